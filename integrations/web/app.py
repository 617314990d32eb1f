"""API and pages as one application."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from integrations.api.app import create_app
from integrations.api.reports import Reports, report_routes
from integrations.api.runtime import Runtime
from integrations.web.agents import news_routes
from integrations.web.cases import case_routes
from integrations.web.news import News
from integrations.web.pages import STATIC, Pages
from integrations.web.queue import queue_routes
from integrations.web.signin import signin_routes
from integrations.web.talk import Chat, chat_routes
from integrations.web.waiting import Waiting


def create_site(
    runtime: Runtime, *, hosts: Iterable[str] = (), reports: Reports | None = None
) -> FastAPI:
    """Everything that the server serves. `reports`: the ticket system may say that something changed."""
    pages = Pages(runtime.company.name, runtime.company.hotline_text())
    waiting, news = Waiting(runtime.copilot), News(runtime.desk, runtime.counters)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with news.running():
            yield
        await waiting.finish(runtime.settings.turn_seconds)

    site = create_app(runtime, present=pages.problem, hosts=hosts, lifespan=lifespan)
    site.include_router(chat_routes(Chat(runtime, pages, waiting)))
    site.include_router(signin_routes(runtime, pages))
    site.include_router(case_routes(runtime, pages))
    site.include_router(queue_routes(runtime, pages, news))
    site.include_router(news_routes(runtime, pages, news))
    if reports is not None:
        site.include_router(report_routes(reports))
    site.mount("/static", StaticFiles(directory=STATIC), name="static")
    return site
