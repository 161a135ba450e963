"""How quickly does a picture follow a slider?  JupyterLab's server must not hold small messages back.

Jupyter Server leaves TCP's Nagle algorithm on for the connection between the browser and a kernel, so a message that
follows another at once waits until the browser's side has acknowledged the first: up to 40 ms on Linux, and a slider's
step is such a pair of messages.  `course.py lab` hands this class to the server; nothing else is changed.
"""

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection


class PromptConnection(ZMQChannelsWebsocketConnection):
    """Jupyter Server's own connection between a browser and a kernel, which sends every message at once."""

    def connect(self) -> object:
        """As the parent's; see tornado's WebSocketHandler.set_nodelay."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()


SETTING = f"--ServerApp.kernel_websocket_connection_class={__name__}.{PromptConnection.__name__}"
