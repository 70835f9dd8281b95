"""Write the live feed as Server-Sent Events (WHATWG HTML §9.2)."""

from collections.abc import AsyncIterator

import msgspec

from clustergenie.events.live import News, Resync
from clustergenie.platform.event import Event

MEDIA_TYPE = "text/event-stream"
HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would hold events back
}
RETRY_MILLISECONDS = 2_000

_ENCODE = msgspec.json.Encoder(enc_hook=str).encode


async def stream(news: AsyncIterator[News], cursor: int) -> AsyncIterator[bytes]:
    """The bytes of one stream that starts after event `cursor`."""
    # An id without data makes no event, but a client that is cut off before the first one resumes from here.
    yield b"retry: %d\nid: %d\n: connected\n\n" % (RETRY_MILLISECONDS, cursor)
    async for item in news:
        yield frame(item)


def frame(news: News) -> bytes:
    """One piece of news; a comment when there is none, so that proxies keep the connection open."""
    if isinstance(news, Resync):
        return b"id: %d\nevent: resync\ndata: %b\n\n" % (news.last_id, _ENCODE(news))
    return b"".join(map(_event, news)) or b": ping\n\n"


def _event(event: Event) -> bytes:
    # JSON has no bare line breaks, so that one `data:` line holds any event.
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (event.id, event.type.encode(), _ENCODE(event))
