"""A slider's steps are small messages: JupyterLab's server sends each at once, and nothing idle ahead of a picture."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from jupyter_client.session import Session
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyterlab.labapp import LabApp
from tornado.websocket import WebSocketHandler

from cli import _connection
from cli._connection import SETTING, PromptConnection


class Handler(WebSocketHandler):
    """The browser's end, as far as it is asked here."""

    def __init__(self):
        self.asked = []

    def set_nodelay(self, value):
        self.asked.append(value)


def test_no_message_is_held_back_until_the_one_before_is_acknowledged(monkeypatch):
    monkeypatch.setattr(ZMQChannelsWebsocketConnection, "connect", lambda self: "connected")
    handler = Handler()
    monkeypatch.setattr(PromptConnection, "websocket_handler", handler)
    assert PromptConnection.__new__(PromptConnection).connect() == "connected"
    assert handler.asked == [True]


def test_jupyter_s_server_takes_the_setting():
    app = LabApp.serverapp_class.instance()
    try:
        app.parse_command_line([SETTING])
        assert app.kernel_websocket_connection_class is PromptConnection
    finally:
        LabApp.serverapp_class.clear_instance()


@pytest.fixture
def told(monkeypatch):
    """What was sent on, each as (type, state)."""
    session, messages = Session(key=b"key"), []

    def send_on(self, stream, outgoing_msg):
        message = session.deserialize(session.feed_identities(outgoing_msg)[1])
        messages.append((message["msg_type"], message["content"].get("execution_state")))

    gone = ("disconnect", None)
    monkeypatch.setattr(ZMQChannelsWebsocketConnection, "handle_outgoing_message", send_on)
    monkeypatch.setattr(ZMQChannelsWebsocketConnection, "disconnect", lambda self: messages.append(gone))
    return messages


def conversation(asked_by: str, *answers: str | float, close: bool = False) -> None:
    """A kernel answers one message of type `asked_by`; a number among its answers is a pause in seconds."""
    session = Session(key=b"key")
    asked = session.msg_header(asked_by)

    async def talk() -> None:
        connection = PromptConnection(session=session)
        for answer in answers:
            if isinstance(answer, float):
                await asyncio.sleep(answer)
                continue
            kind = "status" if answer in ("busy", "idle") else answer
            content = {"execution_state": answer} if kind == "status" else {}
            message = session.msg(kind, content, parent={"header": asked})
            connection.handle_outgoing_message("iopub", [b"topic", *session.serialize(message)])
        if close:
            connection.disconnect()
        await asyncio.sleep(0.05)

    # In a thread of its own: this one may have a loop that runs, of a browser test before.
    with ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(asyncio.run, talk()).result()


def test_a_slider_s_step_brings_its_picture_and_then_that_the_kernel_is_idle(told):
    conversation("comm_msg", "busy", "comm_msg", "idle", 0.3)
    assert told == [("comm_msg", None), ("status", "idle")]


def test_a_widget_that_works_for_long_is_said_to_be_busy(told, monkeypatch):
    monkeypatch.setattr(_connection, "BUSY_AFTER_SECONDS", 0.01)
    conversation("comm_msg", "busy", 0.1, "comm_msg", "idle")
    assert told == [("status", "busy"), ("comm_msg", None), ("status", "idle")]


@pytest.mark.parametrize("kind", ["execute_request", "comm_open", "kernel_info_request"])
def test_of_all_other_work_everything_is_told_at_once(told, kind):
    conversation(kind, "busy", "stream", "idle")
    assert told == [("status", "busy"), ("stream", None), ("status", "idle")]


def test_nothing_is_told_to_a_browser_that_has_gone(told, monkeypatch):
    monkeypatch.setattr(_connection, "BUSY_AFTER_SECONDS", 0.01)
    conversation("comm_msg", "busy", close=True)
    assert told == [("disconnect", None)]
