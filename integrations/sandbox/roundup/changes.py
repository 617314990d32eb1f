"""A detector: notes what happens to tickets that carry the copilot's id, in the transaction in which it happens."""
# mypy: ignore-errors


def note(db, issue_id, kind, **what):
    db.change.create(
        issue=issue_id, kind=kind, correlation_id=db.issue.get(issue_id, "correlation_id"), **what
    )


def named(db, name, number):
    return db.getclass(name).get(number, "name") if number else None


def made(db, cl, nodeid, oldvalues):
    if cl.get(nodeid, "correlation_id"):
        note(db, nodeid, "created")


def changed(db, cl, nodeid, oldvalues):
    if not cl.get(nodeid, "correlation_id"):
        return
    for message in cl.get(nodeid, "messages"):
        if message not in oldvalues.get("messages", cl.get(nodeid, "messages")):
            note(db, nodeid, "comment", message=message)
    for name, kind in (("status", "status"), ("queue", "moved")):
        old, new = oldvalues.get(name, cl.get(nodeid, name)), cl.get(nodeid, name)
        if old != new:
            note(db, nodeid, kind, old=named(db, name, old), new=named(db, name, new))


def init(db):
    db.issue.react("create", made)
    db.issue.react("set", changed)
