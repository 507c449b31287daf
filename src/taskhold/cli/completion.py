"""`taskhold completion`: what a shell has to know to complete our words."""

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")
HOW = """\b
bash:  taskhold completion bash > ~/.local/share/bash-completion/completions/taskhold
zsh:   taskhold completion zsh > ~/.zfunc/_taskhold     (with ~/.zfunc in $fpath)
fish:  taskhold completion fish > ~/.config/fish/completions/taskhold.fish
"""


@click.command(epilog=HOW)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that completes words in a shell.

    Commands, options, lists, tags and ids of tasks.
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(context.find_root().command, {}, "taskhold", "_TASKHOLD_COMPLETE").source())
