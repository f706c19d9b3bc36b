"""The MCP server with its tools, those of other packages among them."""

from __future__ import annotations

from importlib.metadata import entry_points

from mcp.server.mcpserver import MCPServer

from diarspk.mcp_server.tools import SpeechTools, ToolContext, told_to_assistant
from diarspk.version import __version__

__all__ = ["TOOLS", "create_mcp_server"]

TOOLS = "diarspk.mcp.tools"
"""Group of entry points, each a callable(ToolContext) -> tool, named as the tool."""

INSTRUCTIONS = (
    "Tools over recordings of people: who speaks when, who they are, what they say, and the "
    "voice of one of them alone. Paths are of files in the folders that the user allowed; times "
    "are in seconds."
)


def create_mcp_server(context: ToolContext) -> MCPServer[None]:
    """Make the MCP server.

    Parameters
    ----------
    context : ToolContext
        Folders and models.
    """
    server: MCPServer[None] = MCPServer(
        "diarspk", instructions=INSTRUCTIONS, version=__version__, log_level="ERROR"
    )
    tools = SpeechTools(context)
    own = {"diarize": tools.diarize, "identify": tools.identify, "transcript": tools.transcript}
    added = {entry.name: entry.load()(context) for entry in entry_points(group=TOOLS)}
    for name, tool in sorted({**added, **own}.items()):
        server.add_tool(told_to_assistant(tool), name=name)
    return server
