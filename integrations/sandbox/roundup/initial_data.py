"""States, priorities, queues and accounts of a fresh tracker. Roundup runs this file with `db` and `adminpw`."""
# mypy: ignore-errors

from pathlib import Path

home = Path(db.config.HOME)
STATUSES = ("new", "open", "waiting for user", "waiting for vendor", "resolved", "closed")
for place, name in enumerate(STATUSES):
    db.getclass("status").create(name=name, order=place)
for place, name in enumerate(("critical", "high", "normal", "low")):
    db.getclass("priority").create(name=name, order=place)
for name in (home / "queues").read_text("utf-8").split():
    db.getclass("queue").create(name=name)

user = db.getclass("user")
user.create(username="admin", password=adminpw, address=admin_email, roles="Admin")
user.create(username="anonymous", roles="Anonymous")
for name, role in (("agent", "User"), ("copilot", "Copilot")):
    word = (home / f"{name}.password").read_text("utf-8").strip()
    user.create(username=name, password=type(adminpw)(word, config=db.config), roles=role)
