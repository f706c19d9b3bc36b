"""What the pages hold that is computed when the site is built, and a check of what came out."""

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # mkdocs loads this file by its path

from public_names import expand

ROOT = Path(__file__).parents[2]
EXTERNAL = re.compile(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=[\"']?(?:https?:)?//[^\s>]+")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put tables, texts and public names in the place of the comments that stand for them."""
    for comment, make in PARTS.items():
        if comment in markdown:
            markdown = markdown.replace(comment, make())
    return expand(markdown)


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Refuse a page that would fetch anything from another host."""
    found = EXTERNAL.findall(output)
    if found:
        raise ValueError(f"{page.file.src_path}: must need no other host, got {found[0]}")
    return output


def model_table() -> str:
    """List models whose weights ship."""
    from diarspk import available_models

    cards = [card for card in available_models() if card.kind == "embedded"]
    rows = [
        f"| `{card.name}` | {card.parameters / 1e6:.1f} M | {card.dimension} | "
        f"{1000 * card.frame_hop:g} ms | {card.size_bytes / 1e6:.1f} MB | `{card.fingerprint}` | "
        f"`{card.source}` |"
        for card in cards
    ]
    head = "| name | parameters | dimensions | hop | size | fingerprint | made by |"
    return "\n".join([head, "|---|---:|---:|---:|---:|---|---|", *rows])


def catalogue_table() -> str:
    """List public checkpoints, with every fact of the catalogue."""
    from diarspk import available_models

    head = (
        "| name | task | parameters | dimensions | MB | licence | revision | pinned | published | "
        "source |"
    )
    rows = []
    for card in available_models():
        if card.kind != "public":
            continue
        size, parameters = card.size_bytes, card.parameters
        facts = [
            f"`{card.name}`" + (f" (not loaded: lacks {card.missing})" if card.missing else ""),
            card.task,
            "" if parameters is None else f"{parameters / 1e6:.1f} M",
            "" if card.dimension is None else f"{card.dimension}",
            "" if size is None else f"{size / 1e6:.1f}",
            card.licence if card.commercial_use else f"{card.licence}, **no commercial use**",
            "first download" if card.revision is None else f"`{card.revision[:12]}`",
            ", ".join(f"`{digest[:12]}`" for digest in card.sha256.values()) or "first download",
            card.published,
            card.source + (", token needed" if card.needs_token else ""),
        ]
        rows.append(f"| {' | '.join(facts)} |")
    return "\n".join([head, "|---|---|---:|---:|---:|---|---|---|---|---|", *rows])


def architecture_table() -> str:
    """List networks that the recipes train, without weights."""
    from diarspk import available_models

    cards = [card for card in available_models() if card.kind == "architecture"]
    rows = [
        f"| `{card.name}` | {card.parameters / 1e6:.1f} M | {card.dimension} | "
        f"{1000 * card.frame_hop:g} ms | {card.source} |"
        for card in cards
    ]
    head = "| name | parameters | dimensions | hop | source |"
    return "\n".join([head, "|---|---:|---:|---:|---|", *rows])


def command_tables() -> str:
    """List every command with its arguments and options, as ``--help`` shows them."""
    import typer

    from diarspk.cli import app

    parts = []
    for path, command in sorted(walk_commands(typer.main.get_command(app), "diarspk")):
        parts.append(f"## `{path}`\n\n{cell(command.help or '')}")
        rows = [option_row(parameter) for parameter in command.params]
        rows = [row for row in rows if "`--help`" not in row]
        if rows:
            parts.append("\n".join(["| argument or option | what |", "|---|---|", *rows]))
    return "\n\n".join(parts)


def walk_commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield the commands below a command, by what one types; groups are passed through."""
    for name, below in getattr(command, "commands", {}).items():
        if not hasattr(below, "commands") or below.invoke_without_command:
            yield f"{path} {name}", below
        yield from walk_commands(below, f"{path} {name}")


def option_row(parameter: Any) -> str:
    """Describe an option in a row of the table: names, what it takes, help, default."""
    is_argument = parameter.param_type_name == "argument"
    names = [parameter.metavar or parameter.name] if is_argument else parameter.opts
    shown = ", ".join(f"`{name}`" for name in names)
    text = cell(getattr(parameter, "help", None) or "")
    kind = getattr(getattr(parameter, "type_descriptor", None), "annotation", None)
    if isinstance(kind, type) and issubclass(kind, Enum):
        text += f" One of {', '.join(f'`{one.value}`' for one in kind)}."
    elif not is_argument and not parameter.is_flag:
        shown += f" {parameter.metavar or getattr(kind, '__name__', '').upper()}".rstrip()
    default = parameter.default
    if isinstance(default, str | int | float) and not isinstance(default, bool):
        text += f" Default: `{getattr(default, 'value', default)}`."
    return f"| {cell(shown)} | {text} |"


def cell(text: str) -> str:
    """Put text on one line, without what would end a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def root_page(name: str) -> Callable[[], str]:
    """Read a file of the repository's root when asked, its links made those of the site."""

    def read() -> str:
        return (ROOT / name).read_text(encoding="utf-8").replace("](docs/", "](")

    return read


def notebook_page(name: str) -> Callable[[], str]:
    """Read a notebook of the repository when asked: its texts, code, and what that has printed."""

    def read() -> str:
        cells = json.loads((ROOT / name).read_text(encoding="utf-8"))["cells"]
        return "\n\n".join(part for cell in cells for part in notebook_parts(cell))

    return read


def notebook_parts(cell: Any) -> Iterator[str]:
    """Yield the Markdown of a cell, then that of each output."""
    source = "".join(cell["source"])
    yield source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```"
    for output in cell.get("outputs", ()):
        data = output.get("data", {})
        if "image/svg+xml" in data:
            picture = base64.b64encode("".join(data["image/svg+xml"]).encode()).decode()
            yield f'<img alt="output" src="data:image/svg+xml;base64,{picture}">'
        else:
            text = "".join(output.get("text") or data.get("text/plain", ()))
            yield f"```text\n{text.rstrip()}\n```"


PARTS: dict[str, Callable[[], str]] = {
    "<!-- models -->": model_table,
    "<!-- catalogue -->": catalogue_table,
    "<!-- architectures -->": architecture_table,
    "<!-- commands -->": command_tables,
    "<!-- examples/tour.ipynb -->": notebook_page("examples/tour.ipynb"),
    "<!-- CONTRIBUTING.md -->": root_page("CONTRIBUTING.md"),
    "<!-- CHANGELOG.md -->": root_page("CHANGELOG.md"),
}
"""What each comment stands for."""
