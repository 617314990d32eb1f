"""The graph of a turn: understand, gate, recall, write, check, then reply or hand off. Down once, up once."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from copilot.nodes import Nodes
from copilot.routing import after_check, after_gate, after_recall
from copilot.state import TurnState

Graph = CompiledStateGraph[TurnState, None, TurnState, TurnState]


def build_graph(nodes: Nodes, checkpointer: BaseCheckpointSaver[str]) -> Graph:
    """Compile the graph. The policy gate is an edge that no node can go around."""
    graph = StateGraph(TurnState)
    graph.add_node("understand", _told("understand", nodes.understand))
    graph.add_node("gate", _told("gate", nodes.gate))
    graph.add_node("recall", _told("recall", nodes.recall))
    graph.add_node("write", _told("write", nodes.write))
    graph.add_node("check", _told("check", nodes.check))
    graph.add_node("hand_off", _told("hand_off", nodes.hand_off))
    graph.add_node("reply", _told("reply", nodes.reply))
    graph.add_edge(START, "understand")
    graph.add_edge("understand", "gate")
    graph.add_conditional_edges("gate", _inline(after_gate), ["recall", "hand_off", "reply"])
    graph.add_conditional_edges("recall", _inline(after_recall), ["write", "hand_off"])
    graph.add_edge("write", "check")
    graph.add_conditional_edges("check", _inline(after_check), ["hand_off", "reply"])
    graph.add_edge("hand_off", "reply")
    graph.add_edge("reply", END)
    return graph.compile(checkpointer=checkpointer)


class Node(Protocol):
    """A step of the graph."""

    def __call__(self, state: TurnState) -> Awaitable[TurnState]: ...


def _told(name: str, node: Node) -> Node:
    """The node, which says that it begins to whoever shows what is going on."""

    async def step(state: TurnState) -> TurnState:
        tell = state["asked"].tell
        if tell is not None:
            tell(name)
        return await node(state)

    return step


def _inline(route: Callable[[TurnState], str]) -> Callable[[TurnState], Awaitable[str]]:
    """The route as a coroutine: LangGraph gives every plain function to a worker thread."""

    async def routed(state: TurnState) -> str:
        return route(state)

    return routed
