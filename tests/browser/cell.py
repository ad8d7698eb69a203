"""A notebook in JupyterLab or Notebook 7, with its outputs and its kernel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.browser.panel import Panel
from tests.browser.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

# Returns what the kernel prints, as one text. The kernel handles all earlier messages of the widget first.
EXECUTE = """async code => {
  const panel = [...window.jupyterapp.shell.widgets('main')].find(it => it.content?.activeCell);
  const future = panel.sessionContext.session.kernel.requestExecute({ code, store_history: false });
  let text = '';
  future.onIOPub = ({ header, content }) => {
    if (header.msg_type === 'stream') text += content.text;
    if (header.msg_type === 'error') text += JSON.stringify(content.ename + ': ' + content.evalue);
  };
  await future.done;
  return text;
}"""
NOTEBOOK = "[...window.jupyterapp.shell.widgets('main')].find(it => it.content?.activeCell)"
SOURCES_CODE = f"(() => [...{NOTEBOOK}.content.model.cells].map(cell => cell.sharedModel.getSource()))"
IS_CODE = f"() => [...{NOTEBOOK}.content.model.cells].every(cell => cell.type === 'code')"
READY = """() => [...(window.jupyterapp?.shell.widgets('main') ?? [])]
  .some(it => it.content?.activeCell && it.sessionContext.session?.kernel?.status === 'idle')"""


def write_notebook(path: Path, *sources: str) -> None:
    empty: dict[str, Any] = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    cells = [empty | {"id": f"cell-{number}", "source": source} for number, source in enumerate(sources)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(notebook), encoding="utf-8")


class Notebook:
    """An open notebook with a kernel that is ready."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.outputs = page.locator(".odhtec-Output")
        self.notes = page.locator(".odhtec-Output-note:visible")

    def wait(self) -> None:
        self.page.wait_for_function(READY)

    def browser(self, index: int = 0) -> Panel:
        """One of the browsers in the outputs, from top to bottom."""
        return Panel(self.page, self.outputs.nth(index))

    def run_all(self) -> None:
        self.command("notebook:run-all-cells")

    def run(self, index: int) -> None:
        """Run the cell with this index, counted from the top."""
        self.page.evaluate(f"index => {{ {NOTEBOOK}.content.activeCellIndex = index }}", index)
        self.command("notebook:run-cell")

    def command(self, name: str) -> None:
        self.page.evaluate("name => window.jupyterapp.commands.execute(name)", name)

    def python(self, expression: str) -> Any:
        """Return the value of an expression in the kernel."""
        return json.loads(self._execute(f"import json as _json\nprint(_json.dumps({expression}))"))

    def do(self, *statements: str) -> None:
        """Run statements in the kernel, which must print nothing."""
        assert not self._execute("\n".join(statements))

    def _execute(self, code: str) -> str:
        return str(self.page.evaluate(EXECUTE, code))

    def expect(self, expression: str, value: object) -> None:
        """Wait until an expression has this value in the kernel."""
        wait_until(lambda: bool(self.python(expression) == value), f"{expression} is not {value!r}")

    def sources(self) -> list[str]:
        """Return the source of each cell."""
        found: list[str] = self.page.evaluate(SOURCES_CODE)
        return found

    def save(self) -> None:
        self.page.evaluate(f"() => {NOTEBOOK}.context.save()")

    def restart(self) -> None:
        """Restart the kernel, as the menu does."""
        self.page.evaluate(f"() => {NOTEBOOK}.sessionContext.session.kernel.restart()")
        self.wait()

    def shut_down(self) -> None:
        self.page.evaluate(f"() => {NOTEBOOK}.sessionContext.shutdown()")

    def note(self, text: str) -> Locator:
        return self.notes.filter(has_text=text)
