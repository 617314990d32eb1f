"""The schema of a Roundup tracker that takes the copilot's handoffs. Roundup runs this file with `db` and its classes.

What a tracker of your own needs of it is marked with `copilot`.
"""
# mypy: ignore-errors

priority = Class(db, "priority", name=String(), order=Number())
priority.setkey("name")
status = Class(db, "status", name=String(), order=Number())
status.setkey("name")
keyword = Class(db, "keyword", name=String())
keyword.setkey("name")
query = Class(db, "query", klass=String(), name=String(), url=String(), private_for=Link("user"))

# copilot: where tickets wait.
queue = Class(db, "queue", name=String())
queue.setkey("name")

user = Class(
    db,
    "user",
    username=String(),
    password=Password(),
    address=String(),
    realname=String(),
    phone=String(),
    organisation=String(),
    alternate_addresses=String(),
    queries=Multilink("query"),
    roles=String(),
    timezone=String(),
)
user.setkey("username")

msg = FileClass(
    db,
    "msg",
    author=Link("user", do_journal="no"),
    recipients=Multilink("user", do_journal="no"),
    date=Date(),
    summary=String(),
    files=Multilink("file"),
    messageid=String(),
    inreplyto=String(),
    # copilot: what a message is found again by.
    copilot_key=String(),
)
file = FileClass(db, "file", name=String())

issue = IssueClass(
    db,
    "issue",
    assignedto=Link("user"),
    keyword=Multilink("keyword"),
    priority=Link("priority"),
    status=Link("status"),
    # copilot: where it waits, whose it is, what it is found by, and what it belongs to.
    queue=Link("queue"),
    requester=String(),
    correlation_id=String(),
    related=Multilink("issue"),
    pages=String(),
    # copilot: parts of the handoff; they may be left out.
    category=String(),
    subcategory=String(),
    employee=String(),
    device=String(),
    application=String(),
    reason=String(),
    confidence=String(),
    transcript=String(),
)

# copilot: what happened to its tickets, written by detectors/changes.py; numbered in the order of commits.
change = Class(
    db,
    "change",
    issue=Link("issue", do_journal="no"),
    kind=String(),
    old=String(),
    new=String(),
    message=Link("msg", do_journal="no"),
    correlation_id=String(),
)

WORDS = ("priority", "status", "keyword", "queue")
db.security.addRole(name="Copilot", description="The copilot's account")
for role in ("User", "Copilot"):
    for right in ("Web Access", "Rest Access"):
        db.security.addPermissionToRole(role, right)
    for name in ("issue", "msg", "file"):
        for right in ("View", "Create"):
            db.security.addPermissionToRole(role, right, name)
    db.security.addPermissionToRole(role, "Edit", "issue")
    for name in (*WORDS, "change"):
        db.security.addPermissionToRole(role, "View", name)
    seen = db.security.addPermission(
        name="View", klass="user", properties=("id", "username", "realname")
    )
    db.security.addPermissionToRole(role, seen)
db.security.addPermissionToRole("Anonymous", "Web Access")
