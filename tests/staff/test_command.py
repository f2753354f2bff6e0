"""`staff add` on the command line."""

import json

from flask import Flask

from tests.client import HouseClient


def test_the_first_administrator_comes_from_the_command_line(app: Flask, client: HouseClient) -> None:
    runner = app.test_cli_runner()
    arguments = ["staff", "add", "root@portal.example", "--name", "Root", "--role", "admin", "--json"]
    made = runner.invoke(args=arguments)
    assert made.exit_code == 0
    entered = {"email": "root@portal.example", "password": json.loads(made.output)["password"]}
    assert client.post("/staff/sign-in", data=entered).status_code == 303
    assert client.get("/staff/users").status_code == 200
    again = runner.invoke(args=arguments)
    assert again.exit_code == 1
    assert "account already" in json.loads(again.output)["refused"][0]
    assert runner.invoke(args=["staff", "add", "x", "--name", "X", "--role", "admin"]).exit_code == 1
    assert runner.invoke(args=["staff", "add", "x@y.example", "--name", "X", "--role", "hero"]).exit_code == 2
