"""The command behind `clustergenie demo`."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from clustergenie.cli import output
from clustergenie.cli.demo.acts import Story, remove
from clustergenie.cli.demo.stage import Stage
from clustergenie.cli.failures import Failed
from clustergenie.cli.options import DEFAULTS, Options
from clustergenie.cli.server import data_dir_of
from clustergenie.cli.stop import read_pid_file
from clustergenie.client import Client, ClientError, Unreachable


def demo(
    *,
    droplets: int = 3,
    keep: bool = False,
    data_dir: Path | None = None,
    options: Options = DEFAULTS,
) -> None:
    """Play the whole story on a running server: create, provision, load, scale, kill, heal, diagnose, delete.

    Args:
        droplets: How many droplets to begin with.
        keep: Leave the cluster that was made.
        data_dir: The server's data directory, when it is not the default one (CLUSTERGENIE_DATA_DIR).
    """
    with options.client() as client:
        _need_server(client)
        story = Story(
            client, Stage(client.server, aside=options.raw), f"demo-{os.urandom(3).hex()}", _machines(client, data_dir)
        )
        try:
            _play(story, droplets)
            if not keep:
                story.delete()
                story.cluster_id = ""
        finally:
            _clean_up(story, keep=keep)
        if options.raw:
            options.body({"cluster": story.name, "seconds": round(story.stage.elapsed(), 1), "acts": story.stage.seen})
        else:
            output.data(f"\nThat was all of it, in {story.stage.elapsed():.0f} s.")


def _play(story: Story, droplets: int) -> None:
    story.create()
    story.provision(droplets)
    story.show()
    local = story.data_dir is not None
    if local:
        story.burn()
    else:
        output.note("The machines are not on this computer, so nothing is run inside them or killed.")
    story.scale(droplets + 2)
    if local:
        story.kill()
    story.diagnose()


def _need_server(client: Client) -> None:
    try:
        client.ready()
    except Unreachable as gone:
        raise Failed(f"{gone} Start one in another terminal with `clustergenie serve`, then run the demo.") from gone


def _machines(client: Client, flag: Path | None) -> Path | None:
    """The data directory of the server we talk to, if it runs on this machine: its droplets can be entered."""
    home = data_dir_of(flag)
    server = read_pid_file(home / "serve.json")
    if server is None:
        return home if flag else None
    ours, theirs = urlsplit(client.server), urlsplit(str(server.get("url") or client.server))
    return home if ours.port == theirs.port else None


def _clean_up(story: Story, *, keep: bool) -> None:
    """Whatever happened, Ctrl-C included, leave nothing behind."""
    if not story.cluster_id:
        return
    if keep:
        output.note(f"Kept {story.name}; delete it with: clustergenie cluster delete {story.name} --yes")
        return
    output.note(f"Cleaning up {story.name}.")
    try:
        remove(story.client, story.cluster_id)
    except ClientError as reason:
        output.note(f"{story.name} was not deleted: {reason}")
