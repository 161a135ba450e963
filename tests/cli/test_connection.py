"""A slider's steps are small messages in pairs: JupyterLab's server sends each at once."""

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyterlab.labapp import LabApp
from tornado.websocket import WebSocketHandler

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
