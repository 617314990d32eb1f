"""The simulated Slack as HTML: what is shown, and that no word of anybody becomes markup."""

import pytest

from integrations.sandbox.slack.blocks_html import blocks_html, mrkdwn
from integrations.sandbox.slack.page_html import HOME, MESSAGES, Look, document, fragment
from integrations.sandbox.slack.simulator import GENERAL, account, reference_workspace
from integrations.sandbox.slack.workspace import Message, Workspace
from integrations.slack.message import actions, button, context, menu, rich, section

NAMES = {"U0BOT": "IT copilot", "U1": "<b>Eve</b>"}
HOSTILE = '<script>alert(1)</script>" onclick="alert(1)'
DANA = account("dana.reed")


@pytest.mark.parametrize(
    ("markup", "html"),
    [
        ("*bold* and _it_", "<strong>bold</strong> and <em>it</em>"),
        ("type `/it <x>`", "type <code>/it &lt;x&gt;</code>"),
        ("snake_case_name 2*3*4", "snake_case_name 2*3*4"),
        ("a\nb", "a<br>b"),
        ("&lt;script&gt; &amp;lt;", "&lt;script&gt; &amp;lt;"),
        ("<@U0BOT> hi", '<span class="mention">@IT copilot</span> hi'),
        ("<@U1>", '<span class="mention">@&lt;b&gt;Eve&lt;/b&gt;</span>'),
        ("<!here> <#C1|it>", '<span class="mention">@here</span> <span class="mention">#it</span>'),
        ("<javascript:alert(1)|here>", "here"),
        (":unknown:", ":unknown:"),
    ],
)
def test_markup(markup: str, html: str) -> None:
    assert mrkdwn(markup, NAMES) == html


def test_a_link_leads_to_the_web_only() -> None:
    shown = mrkdwn("<https://x.example/?a=1&amp;b=2|the page>", NAMES)
    assert shown == (
        '<a href="https://x.example/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer">the page</a>'
    )


def test_an_emoji_has_a_name() -> None:
    assert 'aria-label="rotating light"' in mrkdwn(":rotating_light:", NAMES)


@pytest.mark.parametrize(
    "block",
    [
        *rich(HOSTILE),
        section(HOSTILE),
        context(HOSTILE),
        actions(HOSTILE, button(HOSTILE, HOSTILE, HOSTILE)),
        actions("lane", menu(HOSTILE, HOSTILE, [(HOSTILE, HOSTILE)])),
        {"type": "header", "text": {"type": "plain_text", "text": HOSTILE}},
    ],
)
def test_no_block_is_markup(block: dict[str, object]) -> None:
    shown = blocks_html([block], NAMES)
    assert "<script" not in shown
    assert '" onclick' not in shown


def test_lists_keep_their_numbers() -> None:
    assert '<ol start="3"><li>three</li>' in blocks_html(rich("3. three\n4. four"), NAMES)


@pytest.fixture
def space() -> Workspace:
    return reference_workspace(lambda: 1_790_000_000.0)


def said(
    space: Workspace,
    user: str,
    channel: str,
    text: str,
    *,
    thread: str | None = None,
    only_for: str | None = None,
) -> Message:
    made = Message(space.stamp(), channel, user, text, thread_ts=thread, only_for=only_for)
    return space.post(made)


def test_a_thread_has_its_title_and_the_status_line_until_the_answer(space: Workspace) -> None:
    channel = space.direct(DANA).id
    asked = said(space, DANA, channel, "My VPN is down")
    space.sessions[channel, asked.ts] = {"status": "processing", "title": "VPN <down>"}
    space.statuses[channel, asked.ts] = "is searching…"
    shown = fragment(Look(space, DANA, MESSAGES))
    assert "VPN &lt;down&gt;" in shown
    assert "IT copilot is searching…" in shown
    assert ">Stop<" in shown
    said(space, space.bot, channel, "Restart it.", thread=asked.ts)
    assert "is searching…" not in fragment(Look(space, DANA, MESSAGES))


def test_a_whisper_is_shown_to_one(space: Workspace) -> None:
    said(space, space.bot, GENERAL, "For Dana.", only_for=DANA)
    assert "Only visible to you" in fragment(Look(space, DANA, GENERAL))
    assert "For Dana." not in fragment(Look(space, account("omar.haddad"), GENERAL))


def test_a_home_that_was_never_shown(space: Workspace) -> None:
    assert "has not shown a home" in document(Look(space, DANA, HOME))
