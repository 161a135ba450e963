"""How quickly does a picture follow a slider?  JupyterLab's server must neither hold small messages back nor send idle
chatter ahead of them.

A slider's step is three messages to the browser: the kernel is busy, here is the picture, the kernel is idle.  Jupyter
Server leaves TCP's Nagle algorithm on, so a message that follows another at once waits until the browser's side has
acknowledged the first: up to 40 ms on Linux.  And JupyterLab lays its page out anew for "busy" and again for "idle",
with the picture waiting between.  `course.py lab` hands this class to the server; nothing else is changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from zmq.eventloop.zmqstream import ZMQStream

BUSY_AFTER_SECONDS = 0.2


class PromptConnection(ZMQChannelsWebsocketConnection):
    """Jupyter Server's own connection between a browser and a kernel, which sends every message at once, but for one.

    That a widget made the kernel busy is told when it has been so for `BUSY_AFTER_SECONDS`, and not at all where the
    kernel is idle again by then.  "Idle" is always told: the browser sends a slider's next value when it comes.
    """

    def __init__(self, **settings: object):
        super().__init__(**settings)
        self._not_yet_told: dict[str, asyncio.TimerHandle] = {}

    def connect(self) -> object:
        """As the parent's; see tornado's WebSocketHandler.set_nodelay."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()

    def handle_outgoing_message(self, stream: str | ZMQStream, outgoing_msg: list[bytes]) -> None:
        """As the parent's; a widget's "busy" waits."""
        step, state = self._state_in_a_widget_step(outgoing_msg)
        if state == "busy":
            self._not_yet_told[step] = asyncio.get_running_loop().call_later(
                BUSY_AFTER_SECONDS, self._tell, step, stream, outgoing_msg
            )
            return
        if state == "idle" and step in self._not_yet_told:
            self._not_yet_told.pop(step).cancel()
        super().handle_outgoing_message(stream, outgoing_msg)

    def disconnect(self) -> None:
        """As the parent's; nothing is told any more."""
        while self._not_yet_told:
            self._not_yet_told.popitem()[1].cancel()
        super().disconnect()

    def _tell(self, step: str, stream: str | ZMQStream, outgoing_msg: list[bytes]) -> None:
        del self._not_yet_told[step]
        super().handle_outgoing_message(stream, outgoing_msg)

    def _state_in_a_widget_step(self, outgoing_msg: Sequence[bytes]) -> tuple[str, str]:
        """Which widget's message the kernel says a state about, by its id, and the state; both empty for all others."""
        _, parts = self.session.feed_identities(list(outgoing_msg))
        _, header, parent, _, content, *_ = parts
        if self.session.unpack(header)["msg_type"] != "status":
            return "", ""
        asked = self.session.unpack(parent)
        if asked.get("msg_type") != "comm_msg":
            return "", ""
        return asked["msg_id"], self.session.unpack(content)["execution_state"]


SETTING = f"--ServerApp.kernel_websocket_connection_class={__name__}.{PromptConnection.__name__}"
