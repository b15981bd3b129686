"""Shell lines: what goes into a command is what IPython puts there."""

from __future__ import annotations

import pytest

from nb2pipe.notebook.shell import expanded, is_idle, multi_line, script

NAMES = {"n": 3, "name": "world", "rows": [2, 1], "ratio": 0.12345}
COMMANDS = [
    "echo hello",
    "echo $name",
    "echo ${name}",
    "echo $$HOME $name",
    "echo $HOME $name",
    "echo {n} and {n + 1}",
    "echo {name!r} {name[1:3]}",
    "echo {ratio:.2f} {name}",
    "echo {' '.join(map(str, sorted(rows)))} | tr ' ' '_'",
    "awk '{print $1}' file",
    "awk '{{print}}' {name}.txt",
    "echo {unknown}",
    "echo '$name'",
    'echo "$name"',
    r"printf 'a\nb' > {name}",
    "echo {",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_values_go_in_as_ipython_puts_them(command: str) -> None:
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    shell.user_ns.update(NAMES)
    assert eval(expanded(command, NAMES), dict(NAMES)) == shell.var_expand(command)


@pytest.mark.parametrize(
    "command",
    [
        "pip install x",
        "python -m pip install x",
        "pip install 'x>1' \"y<2\"",
        "uv pip install x",
        "pip --version",
        "conda install -y x",
        "pip -q install x",
        "ls -la",
        "nvidia-smi",
        "",
    ],
)
def test_commands_that_do_nothing_to_results(command: str) -> None:
    assert is_idle(command)


@pytest.mark.parametrize(
    "command",
    [
        "ls > files",
        "cat $(ls)",
        "make all",
        "echo 'open",
        "head {path}",
        "ls\ntouch x",
        "pip freeze > names",
        "pip install x && make",
        "pip install x; touch y",
        "uv run make.py",
        "pip download x",
    ],
)
def test_commands_that_may(command: str) -> None:
    assert not is_idle(command)


def test_a_body_is_kept_to_the_letter() -> None:
    body = 'echo "\\n" \'"""\' \\\\\nlast\n'
    assert eval(multi_line(body)) == body


def test_scripts_with_options_that_are_not_known() -> None:
    assert script("bash", "--proc p", "'echo'") is None
