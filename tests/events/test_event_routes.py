"""Events over HTTP: history, live stream, dead letters, and how the bus is doing."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest

from clustergenie.events import CATALOGUE
from clustergenie.platform.db import Tx
from clustergenie.platform.errors import Conflict
from clustergenie.platform.event import Event
from tests.events.logs import consumer, emit, happened, record
from tests.events.server import Frame, Served, frames, served
from tests.waiting import poll_until_async


async def subscribed(here: Served, count: int) -> bool:
    return (await answer(here, "/observability/bus"))["subscribers"] == count


async def some_history(here: Served) -> None:
    """Ten events of two jobs in two clusters, two of them failures."""
    for number in range(1, 11):
        job = number % 2
        kind = "job_failed" if number % 5 == 0 else "job_progress"
        event = happened(f"job-{job}", number, kind, cluster_id=f"cluster-{job}", trace_id=f"{number:032x}")
        await here.db.write(emit, event)


async def answer(here: Served, path: str, status: int = 200) -> dict:
    response = await here.client.get(path)
    assert response.status_code == status, response.text
    return response.json()


def test_the_history_is_paged_filtered_and_newest_first(tmp_path: Path) -> None:
    async def story() -> None:
        async with served(tmp_path / "a.db") as here:
            await some_history(here)
            page = await answer(here, "/events?page_size=4")
            assert [event["id"] for event in page["events"]] == [10, 9, 8, 7]
            assert (page["page"], page["page_size"], page["total"]) == (1, 4, 10)
            page = await answer(here, f"/events?page_size=4&cursor={page['next_cursor']}")
            assert [event["id"] for event in page["events"]] == [6, 5, 4, 3]
            for query, found in [
                ("job_id=job-1&sort_dir=asc", [1, 3, 5, 7, 9]),
                ("cluster_id=cluster-0", [10, 8, 6, 4, 2]),
                ("droplet_id=droplet-1", []),
                (f"trace_id={7:032x}", [7]),
                ("type=job_failed", [10, 5]),
                ("type=job_failed&type=job_started", [10, 5]),
                ("type=job_failed,job_started&job_id=job-1", [5]),
                ("page=9", []),
            ]:
                page = await answer(here, f"/events?{query}")
                assert [event["id"] for event in page["events"]] == found, query

    asyncio.run(story())


def test_the_history_can_be_cut_out_between_two_moments(tmp_path: Path) -> None:
    async def story() -> None:
        async with served(tmp_path / "a.db") as here:
            assert (await answer(here, "/events?from=2026-01-01T00:00:00Z&to=2030-01-01T00:00:00Z"))["events"] == []
            await some_history(here)
            moments = [event["timestamp"] for event in (await answer(here, "/events?sort_dir=asc"))["events"]]
            page = await answer(here, f"/events?from={moments[2]}&to={moments[6]}")
            assert [event["id"] for event in page["events"]] == [6, 5, 4, 3]
            assert (await answer(here, f"/events?from={moments[8]}"))["total"] == 2
            assert (await answer(here, f"/events?to={moments[1]}&cluster_id=cluster-1"))["total"] == 1
            assert (await answer(here, "/events?from=1970-01-01T00:00:00Z"))["total"] == 10
            await answer(here, "/events?from=yesterday", 422)
            for wrong in ("2026-01-01T00:00:00", "9999-12-31T23:59:59-12:00"):
                problem = await answer(here, f"/events?from={wrong}", 422)
                assert problem["errors"][0]["pointer"] == "?from"

    asyncio.run(story())


def test_an_event_in_the_history_and_in_the_stream_is_the_same(tmp_path: Path) -> None:
    async def story() -> None:
        async with served(tmp_path / "a.db") as here:
            await here.db.write(emit, happened("job-1", message="two\nlines", payload={"a": [1]}))
            (listed,) = (await answer(here, "/events"))["events"]
            async with here.client.stream("GET", "/events/stream?last_event_id=0") as response:
                feed = frames(response)
                await anext(feed)
                frame = await anext(feed)
            assert json.loads(frame.fields["data"]) == listed
            assert (frame.id, frame.fields["event"]) == (listed["id"], listed["type"])

    asyncio.run(story())


@pytest.mark.parametrize(
    "query",
    [
        "type=no_such_type",
        "type=job_failed,",
        "job_id=",
        f"cluster_id={'x' * 256}",
        "page_size=101",
        "sort_by=message",
        "cursor=nonsense",
        "no_such_filter=1",
    ],
)
def test_a_filter_that_cannot_be_is_refused_with_the_place(tmp_path: Path, query: str) -> None:
    async def story() -> None:
        async with served(tmp_path / "a.db") as here:
            problem = await answer(here, f"/events?{query}", 422)
            assert problem["errors"][0]["pointer"] == "?" + query.partition("=")[0]

    asyncio.run(story())


def test_the_stream_tells_its_place_and_forbids_caching(tmp_path: Path) -> None:
    async def story() -> None:
        async with served(tmp_path / "a.db") as here:
            await some_history(here)
            async with here.client.stream("GET", "/events/stream") as response:
                assert response.headers["content-type"].startswith("text/event-stream")
                assert response.headers["cache-control"] == "no-store"
                assert response.headers["x-accel-buffering"] == "no"
                feed = frames(response)
                assert (await anext(feed)).fields == {"retry": "2000", "id": "10", "": "connected"}
                await here.db.write(emit, happened("job-1", 11))
                assert (await anext(feed)).id == 11

    asyncio.run(story())


async def first_ids(here: Served, path: str, count: int, **headers: str) -> list[int]:
    async with here.client.stream("GET", path, headers=headers) as response:
        assert response.status_code == 200
        feed = frames(response)
        await anext(feed)
        return [(await anext(feed)).id for _ in range(count)]


def test_a_client_resumes_after_the_last_event_it_saw(tmp_path: Path) -> None:
    async def story() -> None:
        async with served(tmp_path / "a.db") as here:
            await some_history(here)
            assert await first_ids(here, "/events/stream?last_event_id=7", 3) == [8, 9, 10]
            # A browser sends the header when it reconnects, with the address it was first given.
            assert await first_ids(here, "/events/stream?last_event_id=1", 2, **{"Last-Event-ID": "8"}) == [9, 10]
            assert await first_ids(here, "/events/stream?last_event_id=0&type=job_failed,job_started", 2) == [5, 10]
            assert await first_ids(here, "/events/stream?last_event_id=0&job_id=job-1", 3) == [1, 3, 5]

    asyncio.run(story())


@pytest.mark.parametrize("text", ["abc", "-1", "1.5", "99999999999999999999999", "1 2", "²"])
def test_a_last_event_id_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    async def story() -> None:
        async with served(tmp_path / "a.db") as here:
            response = await here.client.get("/events/stream", headers={"Last-Event-ID": text.encode()})
            assert response.status_code == 422
            assert response.json()["errors"][0]["pointer"] == "Last-Event-ID"
            response = await here.client.get("/events/stream", params={"last_event_id": text})
            assert response.status_code == 422

    asyncio.run(story())


def test_who_missed_too_much_is_told_to_resync(tmp_path: Path) -> None:
    async def story() -> None:
        async with served(tmp_path / "a.db", behind=10) as here:
            await here.db.write(emit, *[happened("job-1", seq) for seq in range(1, 41)])
            async with here.client.stream("GET", "/events/stream?last_event_id=3") as response:
                feed = frames(response)
                await anext(feed)
                resync = await anext(feed)
                assert (resync.fields["event"], resync.id) == ("resync", 40)
                await here.db.write(emit, happened("job-1", 41))
                assert (await anext(feed)).id == 41

    asyncio.run(story())


def test_a_quiet_stream_is_kept_open_by_comments(tmp_path: Path) -> None:
    async def story() -> None:
        async with (
            served(tmp_path / "a.db", silence_seconds=0.05) as here,
            here.client.stream("GET", "/events/stream") as response,
        ):
            feed = frames(response)
            await anext(feed)
            assert [(await anext(feed)) for _ in range(2)] == [Frame({"": "ping"})] * 2

    asyncio.run(story())


def test_the_server_ends_promptly_while_streams_are_open(tmp_path: Path) -> None:
    async def read_to_the_end(here: Served, opened: asyncio.Event) -> None:
        async with here.client.stream("GET", "/events/stream") as response:
            async for _ in response.aiter_bytes():
                opened.set()

    async def story() -> None:
        async with served(tmp_path / "a.db") as here:
            marks = [asyncio.Event() for _ in range(5)]
            reading = [asyncio.create_task(read_to_the_end(here, mark)) for mark in marks]
            for mark in marks:
                await mark.wait()
            here.live.close()
            here.server.should_exit = True
            async with asyncio.timeout(10):  # uvicorn waits for open answers for ever, and a ping is 15 s away
                await asyncio.gather(*reading)

    asyncio.run(story())


def test_a_client_that_leaves_is_forgotten(tmp_path: Path) -> None:
    async def story() -> None:
        async with served(tmp_path / "a.db", silence_seconds=0.05) as here:
            async with here.client.stream("GET", "/events/stream") as response:
                feed = frames(response)
                await anext(feed)
                await poll_until_async(lambda: subscribed(here, 1))
            await poll_until_async(lambda: subscribed(here, 0))

    asyncio.run(story())


def test_dead_letters_are_listed_and_replayed(tmp_path: Path) -> None:
    refuses = [True]

    def handle(tx: Tx, event: Event) -> None:
        if refuses[0]:
            raise Conflict("not today")
        record("g")(tx, event)

    async def replay(here: Served, letter: object) -> httpx.Response:
        return await here.client.post(f"/events/dead-letters/{letter}/replay")

    async def story() -> None:
        async with served(tmp_path / "a.db", consumer(handle)) as here:
            await here.db.write(emit, happened("job-1"))
            await here.bus.deliveries["g"].run_once()
            page = await answer(here, "/events/dead-letters?sort_by=failed_at")
            (letter,) = page["dead_letters"]
            assert page["total"] == 1
            assert (letter["consumer_group"], letter["reason"], letter["attempts"]) == ("g", "not today", 3)
            assert letter["event"]["key"] == "job-1"
            assert (await replay(here, 1)).status_code == 409
            refuses[0] = False
            done = await replay(here, 1)
            assert done.status_code == 200
            assert done.json()["dead_letter"]["replayed_at"]
            assert (await replay(here, 1)).json()["type"].endswith("already-replayed")
            assert [(await replay(here, odd)).status_code for odd in (2, "x", 0, 2**63)] == [404, 404, 422, 422]

    asyncio.run(story())


def test_the_bus_says_how_it_is(tmp_path: Path) -> None:
    async def story() -> None:
        async with served(tmp_path / "a.db", consumer(record("g"))) as here:
            await here.db.write(emit, happened("job-1"), happened("job-2"))
            status = await answer(here, "/observability/bus")
            assert status["log"] == {"oldest": 1, "newest": 2, "size": 2}
            assert [(group["group"], group["position"], group["lag"]) for group in status["groups"]] == [("g", 0, 2)]
            assert (status["dead_letters"], status["subscribers"]) == (0, 0)

    asyncio.run(story())


def test_the_document_names_every_type_and_every_refusal(tmp_path: Path) -> None:
    async def story() -> None:
        async with served(tmp_path / "a.db") as here:
            paths = (await answer(here, "/openapi.json"))["paths"]
            replay = paths["/events/dead-letters/{dead_letter_id}/replay"]["post"]["responses"]
            assert {"200", "404", "409", "422", "503"} <= set(replay)
            stream = paths["/events/stream"]["get"]
            assert "text/event-stream" in stream["responses"]["200"]["content"]
            assert {"422", "503"} <= set(stream["responses"])
            for path in ("/events", "/events/stream"):
                (kind,) = [each for each in paths[path]["get"]["parameters"] if each["name"] == "type"]
                assert all(name in json.dumps(kind) for name in CATALOGUE)

    asyncio.run(story())
