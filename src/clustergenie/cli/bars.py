"""A moving progress bar for terminals; loaded only when there is one."""

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn


class Bar:
    """One bar on stderr, with the last step's words beside it."""

    def __init__(self, title: str) -> None:
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[words]}", markup=False),
            console=Console(stderr=True),
        )
        self._task = self._bars.add_task(title, total=100, words="")
        self._bars.start()

    def step(self, percent: int, text: str) -> None:
        """Move the bar."""
        self._bars.update(self._task, completed=percent, words=text)

    def close(self) -> None:
        """Leave the bar as it is and give the cursor back."""
        self._bars.stop()
