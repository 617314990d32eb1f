# One state for each that the copilot tells apart; RT's own lifecycle has fewer.
Set(%Lifecycles, support => {
  initial  => ['new'],
  active   => ['open', 'waiting for user', 'waiting for vendor'],
  inactive => ['resolved', 'closed', 'rejected', 'deleted'],
  defaults => { on_create => 'new', reminder_on_open => 'open', reminder_on_resolve => 'resolved' },
  transitions => {
    ''       => ['new', 'open'],
    map { my $from = $_; ($from => [grep { $_ ne $from }
      'new', 'open', 'waiting for user', 'waiting for vendor', 'resolved', 'closed', 'rejected', 'deleted']) }
      'new', 'open', 'waiting for user', 'waiting for vendor', 'resolved', 'closed', 'rejected', 'deleted',
  },
  rights  => { '* -> deleted' => 'DeleteTicket', '* -> *' => 'ModifyTicket' },
});
1;
