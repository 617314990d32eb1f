# Queues, fields, accounts, rights and the webhook that the copilot needs in Request Tracker 5.
# Read by `rt-setup-database-5 --action insert --datafile`, with the folder of scripts/rt_up.sh in COPILOT_RT_HOME.
use strict;
use warnings;
our (@Users, @Queues, @CustomFields, @ACL, @Scrips, @Final);

my $home = $ENV{COPILOT_RT_HOME};
sub in_file { open my $file, '<', "$home/$_[0]" or die "$home/$_[0]: $!"; local $/; my $text = <$file>; $text =~ s/\s+\z//; $text }
my @names = split /\n/, in_file('queues');

@Users = (
  { Name => 'svc-copilot', RealName => 'IT copilot', EmailAddress => 'svc-copilot@larkfield.example', Privileged => 1 },
  { Name => 'agent', RealName => 'Tier-2 agent', EmailAddress => 'agent@larkfield.example',
    Password => in_file('agent.password'), Privileged => 1 },
);
@Queues = map { { Name => $_, Lifecycle => 'support' } } @names;

# The first is needed. The others are filled where they are there; the text of the ticket has all of it anyway.
@CustomFields = (
  { Name => 'Correlation-Id', Type => 'FreeformSingle', Queue => \@names,
    Description => 'What the copilot finds its tickets by' },
  (map { { Name => $_, Type => 'FreeformSingle', Queue => \@names } }
    'Category', 'Subcategory', 'Employee', 'Device', 'Application', 'Reason', 'Confidence', 'Transcript'),
  (map { { Name => $_, Type => 'Text', MaxValues => 1, Queue => \@names } }
    'Summary', 'Steps-Tried', 'Error-Messages', 'Next-Step'),
);

# What the copilot's account needs, in each queue that it hands over to, and no more.
my @copilot = qw(SeeQueue CreateTicket ShowTicket ShowTicketComments CommentOnTicket ReplyToTicket ModifyTicket
  SeeCustomField ModifyCustomField);
my @agent = (@copilot, qw(OwnTicket TakeTicket Watch));
for my $queue (@names) {
  push @ACL, map { { UserId => 'svc-copilot', Queue => $queue, Right => $_ } } @copilot;
  push @ACL, map { { UserId => 'agent', Queue => $queue, Right => $_ } } @agent;
}

# Tells the copilot at once what happened to one of its tickets. RT does not repeat a report that fails:
# the copilot asks for the history too, where the change has the same event id.
push @Scrips, {
  Description => 'Report changes to the copilot', Queue => 0,
  ScripCondition => 'User Defined', ScripAction => 'User Defined', Template => 'Blank',
  CustomIsApplicableCode => q{
    my $field = $self->TransactionObj->Field // '';
    my $type = $self->TransactionObj->Type;
    return RT->Config->Get('CopilotWebhookURL') && $self->TicketObj->FirstCustomFieldValue('Correlation-Id')
      && ($type =~ /^(?:Create|Status|Comment|Correspond)$/ || ($type eq 'Set' && $field eq 'Queue'));
  },
  CustomPrepareCode => 'return 1;',
  CustomCommitCode => q{
    require HTTP::Tiny; require Digest::SHA; require JSON;
    my $change = $self->TransactionObj;
    my $body = JSON->new->canonical->ascii->encode({
      event_id => 'rt-txn-' . $change->id, ticket_id => '' . $self->TicketObj->id,
      correlation_id => $self->TicketObj->FirstCustomFieldValue('Correlation-Id'),
      type => $change->Type, old => $change->OldValue, new => $change->NewValue,
      actor => $change->CreatorObj->Name, at => $change->CreatedObj->W3CDTF(Timezone => 'UTC'),
    });
    my $secret = RT->Config->Get('CopilotWebhookSecret');
    my $answer = HTTP::Tiny->new(timeout => 3)->post(RT->Config->Get('CopilotWebhookURL'), { content => $body, headers => {
      'Content-Type' => 'application/json',
      'X-Copilot-Signature' => 'sha256=' . Digest::SHA::hmac_sha256_hex($body, $secret),
    }});
    RT->Logger->warning("The copilot did not take " . $change->id . ": $answer->{status}") unless $answer->{success};
    return 1;
  },
};

@Final = (sub {
  # It is for trials: nobody gets mail from it.
  my $scrips = RT::Scrips->new(RT->SystemUser);
  $scrips->UnLimit;
  while (my $scrip = $scrips->Next) {
    $scrip->SetDisabled(1) if $scrip->ActionObj->Name =~ /Notify|AutoReply|Forward/i;
  }
}, sub {
  for my $name (qw(svc-copilot agent)) {
    my $user = RT::User->new(RT->SystemUser);
    $user->Load($name);
    my ($ok, $message, $token) = RT::AuthToken->new(RT->SystemUser)->Create(Owner => $user->id, Description => 'made by rt_up.sh');
    die $message unless $ok;
    my $file = $name eq 'agent' ? 'agent.token' : 'copilot.token';
    open my $out, '>', "$home/$file" or die "$home/$file: $!";
    print {$out} $token;
    close $out;
  }
});
1;
