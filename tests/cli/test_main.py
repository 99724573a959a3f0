from collections.abc import Callable

import pytest

from tests.fake_plugins import REPOSITORY, FakePlugins, run_ganzoo
from zoo.cli import main
from zoo.cli.commands import COMMANDS
from zoo.cli.errors import guarded
from zoo.errors import ZooError

Run = Callable[..., tuple[int, str, str]]


def test_help_lists_every_command_that_exists(run: Run) -> None:
    code, output, _ = run("--help")
    present = [name for name, target in COMMANDS.items() if (REPOSITORY / as_path(target)).exists()]
    assert code == 0
    assert all(f"\n  {name} " in output for name in present)


def as_path(target: str) -> str:
    return target.partition(":")[0].replace(".", "/") + ".py"


def test_no_arguments_print_the_help(run: Run) -> None:
    assert run() == run("--help")


def test_version(run: Run) -> None:
    code, output, _ = run("--version")
    assert code == 0
    assert output.startswith("ganzoo 1.")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lst"], "No such command 'lst'. Did you mean 'list'?"),
        (["zzzzz"], "No such command 'zzzzz'."),
        (["list", "--jsn"], "No such option '--jsn'. Did you mean '--json'?"),
        (["list", "--debug"], "It goes before the command: ganzoo --debug list ..."),
        (["info"], "Missing argument 'NAME'"),
        (["info", "a", "b"], "unexpected extra argument"),
        (["--no-plugn", "x", "list"], "Did you mean '--no-plugin'?"),
    ],
)
def test_bad_usage_exits_with_2_and_a_hint(run: Run, arguments: list[str], message: str) -> None:
    code, output, errors = run(*arguments)
    assert (code, output) == (2, "")
    assert message in errors
    assert "Usage: ganzoo" in errors
    assert "Traceback" not in errors


def test_an_error_of_the_user_is_one_message(run: Run) -> None:
    code, output, errors = run("info", "dcgn")
    assert (code, output) == (1, "")
    assert errors.startswith("Error: Nothing is named 'dcgn'. Did you mean 'dcgan'")


def test_debug_shows_the_traceback_too(run: Run) -> None:
    code, _, errors = run("--debug", "info", "dcgn")
    assert code == 1
    assert "Traceback" in errors
    assert "\nError: Nothing is named 'dcgn'" in errors


def test_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    def fail(error: BaseException) -> Callable[[], None]:
        def work() -> None:
            raise error

        return work

    assert guarded(lambda: None) == 0
    assert guarded(lambda: 3) == 3
    assert guarded(fail(ZooError("no"))) == 1
    assert guarded(fail(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == "Error: no\nInterrupted; what was saved before stays as it is.\n"
    with pytest.raises(ZeroDivisionError):
        guarded(fail(ZeroDivisionError()))


def test_a_reader_that_leaves_is_no_error(fakes: FakePlugins) -> None:
    import os
    import subprocess
    import sys

    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "plugins")])}
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "zoo.cli", "list", "--json"]
    result = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, env=environment, check=False)
    os.close(writer)
    assert (result.returncode, result.stderr) == (1, "")


def test_no_plugin_leaves_one_out(run: Run, fakes: FakePlugins) -> None:
    fakes.add_loss("fake-one", "one", "fake-loss")
    assert "fake-loss" in run("list", "losses")[1]
    code, output, _ = run("--no-plugin", "one", "list", "losses")
    assert code == 0
    assert "fake-loss" not in output


def test_no_plugin_of_an_unknown_name(run: Run) -> None:
    code, _, errors = run("--no-plugin", "dcgn", "list")
    assert code == 1
    assert "no plugin is named 'dcgn'. Did you mean 'dcgan'" in errors


COMMAND = """
    def ganzoo_commands():
        yield "shout", "{module}_shout:shout"
        yield "list", "{module}_shout:shout"
"""
SHOUT = '''
    from typing import Annotated

    import typer

    def shout(word: str, twice: Annotated[bool, typer.Option("--twice", rich_help_panel="More")] = False) -> None:
        """Say it loud."""
        print(word.upper() * (2 if twice else 1))
'''


def test_plugins_add_commands(run: Run, fakes: FakePlugins) -> None:
    modules = {"fake_one": COMMAND.format(module="fake_one"), "fake_one_shout": SHOUT}
    fakes.add("fake-one", {"one": "fake_one"}, modules)
    assert run("shout", "hey", "--twice") == (0, "HEYHEY\n", "")
    assert run("fake-one::list", "hey") == (0, "HEY\n", "")
    assert "Say it loud." in run("--help")[1]
    assert "Did you mean 'shout'" in run("shuot")[2]
    assert "\nMore:\n  --twice" in run("shout", "--help")[1]


GROUP = """
    import typer

    app = typer.Typer(help="Several commands.")

    @app.command()
    def first(word: str, times: int = 1) -> None:
        print(word * times)

    @app.command()
    def wait() -> None:
        raise KeyboardInterrupt
"""


def test_a_typer_app_becomes_a_group(run: Run, fakes: FakePlugins) -> None:
    hooks = "def ganzoo_commands():\n    return [('many', 'fake_one_app:app')]\n"
    fakes.add("fake-one", {"one": "fake_one"}, {"fake_one": hooks, "fake_one_app": GROUP})
    assert run("many", "first", "ab", "--times", "2") == (0, "abab\n", "")
    assert "Several commands." in run("many", "--help")[1]
    code, _, errors = run("many", "first", "ab", "--times", "x")
    assert code == 2
    assert "times" in errors
    assert run("many", "wait") == (130, "", "")


def test_a_broken_command_says_so_and_breaks_nothing_else(run: Run, fakes: FakePlugins) -> None:
    fakes.add("fake-one", {"one": "fake_one"}, {"fake_one": COMMAND.format(module="absent")})
    code, output, _ = run("--help")
    assert code == 0
    assert "(broken)" in output
    code, _, errors = run("shout", "hey", "--twice")
    assert code == 1
    assert "The command 'shout' does not load: absent_shout: ModuleNotFoundError" in errors
    assert run("list")[0] == 0


def test_as_a_process() -> None:
    result = run_ganzoo("list", "architectures", "dcgan")
    assert result.returncode == 0
    assert result.stderr == ""
    assert result.stdout.startswith("architectures\n  dcgan ")


def test_main_takes_the_arguments_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["ganzoo", "--version"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
