"""The MCP server: tools over recordings for an assistant, in folders that it may use.

Needs the extra ``mcp``. ``diarspk mcp`` runs it over stdin and stdout, as desktop assistants want.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from diarspk.mcp_server.allowed_folders import AllowedFolders
    from diarspk.mcp_server.server import TOOLS, create_mcp_server
    from diarspk.mcp_server.tools import ToolContext, told_to_assistant

__all__ = ["TOOLS", "AllowedFolders", "ToolContext", "create_mcp_server", "told_to_assistant"]

_HOMES = {
    "TOOLS": "diarspk.mcp_server.server",
    "AllowedFolders": "diarspk.mcp_server.allowed_folders",
    "ToolContext": "diarspk.mcp_server.tools",
    "create_mcp_server": "diarspk.mcp_server.server",
    "told_to_assistant": "diarspk.mcp_server.tools",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
