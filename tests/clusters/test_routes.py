"""Clusters, droplets and agents over HTTP: envelopes, statuses, and pointers to what is wrong."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx
import pytest

from clustergenie import jobs
from clustergenie.clusters import routes as clusters
from clustergenie.droplets import routes as droplets
from clustergenie.jobs import routes as job_routes
from clustergenie.platform import http as web
from tests.droplets.rig import Rig, working

Client = httpx.AsyncClient


def play(path: Path, scenario: Callable[[Rig, Client], Coroutine[Any, Any, None]]) -> None:
    """The routes over the parts at work."""

    async def run() -> None:
        async with working(path) as rig, asyncio.timeout(60):
            given = {"db": rig.db, "fleet": rig.fleet, "desk": rig.desk, "submit": job_routes.Submit(rig.db)}
            routes = [*clusters.routes, *droplets.routes, *job_routes.routes]
            app = web.build(routes, version="0", dependencies={**given, "pool": None})
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)  # type: ignore[arg-type]
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                await scenario(rig, client)

    asyncio.run(run())


def test_the_life_of_a_cluster(tmp_path: Path) -> None:
    async def scenario(rig: Rig, client: Client) -> None:
        made = await client.post("/clusters", json={"name": "web", "region": "nyc3", "wanted_size": 2})
        assert (made.status_code, made.json()["message"], made.json()["job"]["type"]) == (201, "created", "scale")
        cluster_id = made.json()["cluster"]["id"]
        await rig.settled(cluster_id, 2)
        shown = (await client.get(f"/clusters/{cluster_id}")).json()["cluster"]
        assert (shown["status"], shown["active"], len(shown["droplets"])) == ("healthy", 2, 2)
        assert shown["health"] == "all 2 droplets are active"
        changed = await client.put(f"/clusters/{cluster_id}", json={"name": "api", "wanted_size": 3})
        assert (changed.status_code, changed.json()["cluster"]["name"]) == (200, "api")
        await rig.settled(cluster_id, 3)
        stale = await client.put(f"/clusters/{cluster_id}", json={"name": "x", "revision": 1})
        assert (stale.status_code, stale.json()["type"].rpartition("/")[2]) == (409, "cluster-changed")
        gone = await client.delete(f"/clusters/{cluster_id}", params={"on_conflict": "reject"})
        assert (gone.status_code, gone.json()["cluster"]["status"], gone.json()["message"]) == (
            202,
            "deleting",
            "deleting",
        )
        await rig.ended(gone.json()["job"]["id"])
        assert (await client.get(f"/clusters/{cluster_id}")).status_code == 404
        assert (await client.delete(f"/clusters/{cluster_id}")).status_code == 404

    play(tmp_path, scenario)


def test_the_last_size_asked_for_wins_even_while_another_is_on_its_way(tmp_path: Path) -> None:
    async def scenario(rig: Rig, client: Client) -> None:
        cluster_id = (await client.post("/clusters", json={"name": "web"})).json()["cluster"]["id"]
        for size in (4, 0, 2, 0):
            assert (await client.put(f"/clusters/{cluster_id}", json={"wanted_size": size})).status_code == 200
        await rig.until(lambda: _idle(rig, cluster_id))
        await rig.settled(cluster_id, 0)

    play(tmp_path, scenario)


async def _idle(rig: Rig, cluster_id: str) -> bool:
    return not await rig.db.read(jobs.live_of_cluster, cluster_id)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "pointer"),
    [
        ("POST", "/clusters", {"name": ""}, 422, "/name"),
        ("POST", "/clusters", {"name": "x" * 256}, 422, "/name"),
        ("POST", "/clusters", {"name": "a\u0007"}, 422, "/name"),
        ("POST", "/clusters", {}, 422, "/name"),
        ("POST", "/clusters", {"name": "a", "size": "huge"}, 422, "/size"),
        ("POST", "/clusters", {"name": "a", "provider": "nobody"}, 422, "/provider"),
        ("POST", "/clusters", {"name": "a", "region": "mars"}, 422, "/region"),
        ("POST", "/clusters", {"name": "a", "image": "beos"}, 422, "/image"),
        ("POST", "/clusters", {"name": "a", "wanted_size": -1}, 422, "/wanted_size"),
        ("POST", "/clusters", {"name": "a", "checks": [{"type": "udp", "port": 1}]}, 422, "/checks/0/type"),
        ("POST", "/clusters", {"name": "taken"}, 409, None),
        ("PUT", "/clusters/{taken}", {"size": "huge"}, 422, "/size"),
        ("PUT", "/clusters/cluster-none", {"name": "b"}, 404, None),
        ("GET", "/clusters?status=odd", None, 422, "?status"),
        ("GET", "/clusters?sort_by=odd", None, 422, "?sort_by"),
        ("GET", "/clusters?odd=1", None, 422, "?odd"),
        ("DELETE", "/clusters/{taken}?on_conflict=odd", None, 422, "?on_conflict"),
        ("POST", "/droplets", {"name": "d", "size": "huge"}, 422, "/size"),
        ("POST", "/droplets", {"name": "d", "cluster_id": "cluster-none"}, 404, None),
        ("POST", "/droplets", {"name": "d", "colour": "red"}, 422, "/colour"),
        ("GET", "/droplets?status=odd", None, 422, "?status"),
        ("GET", "/droplets/droplet-none", None, 404, None),
        ("DELETE", "/droplets/droplet-none", None, 404, None),
        ("POST", "/droplets/orphans/sim-1/adopt", None, 404, None),
        ("POST", "/droplets/orphans/sim-1/destroy", None, 404, None),
        ("GET", "/providers/nobody/catalog", None, 422, None),
        ("POST", "/jobs", {"type": "provision", "parameters": {"name": "d", "size": "huge"}}, 422, "/parameters/size"),
        ("POST", "/jobs", {"type": "provision", "parameters": {"cluster_id": "none"}}, 404, None),
        ("POST", "/jobs", {"type": "destroy", "parameters": {}}, 422, "/type"),
        ("POST", "/agent/enroll", {"droplet_id": "d"}, 422, "/token"),
        ("POST", "/agent/heartbeat", {"droplet_id": "d"}, 401, None),
    ],
)
def test_what_is_wrong_is_refused_with_a_pointer(
    tmp_path: Path, method: str, path: str, body: Any, status: int, pointer: str | None
) -> None:
    async def scenario(rig: Rig, client: Client) -> None:
        taken = await rig.cluster("taken")
        answer = await client.request(method, path.replace("{taken}", taken), json=body)
        assert answer.status_code == status, answer.text
        problem = answer.json()
        assert problem["status"] == status
        assert problem["detail"]
        assert pointer is None or [error["pointer"] for error in problem["errors"]] == [pointer]
        assert (await client.get("/clusters")).json()["total"] == 1
        assert (await client.get("/droplets")).json()["total"] == 0

    play(tmp_path, scenario)


def test_the_life_of_a_droplet(tmp_path: Path) -> None:
    async def scenario(rig: Rig, client: Client) -> None:
        made = await client.post("/droplets", json={"name": "solo", "region": "fra1"})
        assert (made.status_code, made.json()["message"], made.json()["job"]["type"]) == (201, "created", "provision")
        droplet_id = made.json()["droplet"]["id"]
        await rig.ended(made.json()["job"]["id"])
        shown = (await client.get(f"/droplets/{droplet_id}")).json()["droplet"]
        assert (shown["status"], shown["region"], shown["metrics"]["cpu"] is not None) == ("active", "fra1", True)
        assert (await client.post("/droplets", json={"name": "solo"})).status_code == 409
        page = (await client.get("/droplets", params={"status": "active", "q": "ol", "region": "fra1"})).json()
        assert (page["total"], page["droplets"][0]["id"], page["next_cursor"]) == (1, droplet_id, None)
        gone = await client.delete(f"/droplets/{droplet_id}")
        assert (gone.status_code, gone.json()["droplet"]["status"]) == (202, "deleting")
        await rig.ended(gone.json()["job"]["id"])
        assert (await client.get("/droplets")).json()["total"] == 0
        assert (await client.get("/droplets", params={"status": "deleted"})).json()["total"] == 1

    play(tmp_path, scenario)


def test_pages_by_number_and_by_cursor_show_each_droplet_once(tmp_path: Path) -> None:
    async def scenario(rig: Rig, client: Client) -> None:
        cluster_id = await rig.cluster(of=7)
        await rig.settled(cluster_id, 7)
        seen, cursor = [], None
        for _ in range(4):
            page = (
                await client.get("/droplets", params={"page_size": 2, **({"cursor": cursor} if cursor else {})})
            ).json()
            seen += [one["name"] for one in page["droplets"]]
            cursor = page["next_cursor"]
        assert seen == [f"web-{n:03d}" for n in range(7, 0, -1)]
        beyond = (await client.get("/droplets", params={"page": 9, "page_size": 5})).json()
        assert (beyond["droplets"], beyond["total"]) == ([], 7)

    play(tmp_path, scenario)


def test_the_agents_api_answers_with_its_statuses_and_the_agent_with_its_checksum(tmp_path: Path) -> None:
    async def scenario(rig: Rig, client: Client) -> None:
        agent = await client.get("/agent/agent.py")
        assert (agent.status_code, len(agent.headers["X-Content-SHA256"])) == (200, 64)
        answer = await client.post("/agent/enroll", json={"droplet_id": "d", "token": "t", "nonce": "n"})
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (401, "token-refused")
        headers = {"Authorization": "Bearer cgc_x"}
        assert (await client.post("/agent/heartbeat", json={"droplet_id": "d"}, headers=headers)).status_code == 401

    play(tmp_path, scenario)


def test_schedule_names_the_choice_and_why_not_the_others(tmp_path: Path) -> None:
    async def scenario(_rig: Rig, client: Client) -> None:
        answer = (await client.post("/schedule", json={"region": "sgp1", "size": "s-1vcpu-1gb"})).json()
        assert (answer["chosen"]["region"], answer["chosen"]["size"]) == ("sgp1", "s-1vcpu-1gb")
        assert all(one["rejected_because"] or one["region"] == "sgp1" for one in answer["candidates"])
        assert (await client.post("/schedule", json={"region": "mars"})).json()["chosen"] is None
        providers = (await client.get("/providers")).json()["providers"]
        assert [one["name"] for one in providers] == ["simulated"]

    play(tmp_path, scenario)


def test_clusters_and_droplets_are_counted_by_status_with_the_filters_of_their_lists(tmp_path: Path) -> None:
    async def scenario(rig: Rig, client: Client) -> None:
        web = await rig.cluster("web", 3)
        await rig.cluster("idle")
        await rig.settled(web, 3)
        clusters_seen = (await client.get("/clusters/counts")).json()
        assert clusters_seen["total"] == 2
        counts = clusters_seen["counts"]
        assert (counts["empty"], sum(counts.values()), "deleted" in counts) == (1, 2, False)
        assert (await client.get("/clusters/counts", params={"q": "id"})).json()["total"] == 1
        droplets_seen = (await client.get("/droplets/counts")).json()
        assert {name: n for name, n in droplets_seen["counts"].items() if n} == {"active": 3}
        assert (droplets_seen["total"], "deleted" in droplets_seen["counts"]) == (3, False)
        for query, count in (({"cluster_id": web}, 3), ({"q": "-002"}, 1), ({"provider": "nobody"}, 0)):
            assert (await client.get("/droplets/counts", params=query)).json()["total"] == count

    play(tmp_path, scenario)


def test_many_droplets_are_destroyed_each_on_its_own(tmp_path: Path) -> None:
    async def scenario(rig: Rig, client: Client) -> None:
        web = await rig.cluster("web", 3)
        await rig.settled(web, 3)
        ids = [row.id for row in await rig.rows()]
        body = {"action": "destroy", "ids": [ids[0], "droplet-none", ids[1], ids[0]]}
        reply = (await client.post("/droplets/bulk", json=body)).json()
        assert [(item["id"], item["done"]) for item in reply["results"]] == [
            (ids[0], True),
            ("droplet-none", False),
            (ids[1], True),
        ]
        refused = reply["results"][1]["problem"]
        assert (refused["status"], refused["type"].rpartition("/")[2]) == (404, "droplet-not-found")
        for item in reply["results"]:
            if item["done"]:
                await rig.ended(item["job_id"])
        await rig.settled(web, 1)
        assert (await client.post("/droplets/bulk", json={**body, "action": "adopt"})).status_code == 422

    play(tmp_path, scenario)


def test_many_orphans_are_settled_in_one_call(tmp_path: Path) -> None:
    async def scenario(rig: Rig, client: Client) -> None:
        web = await rig.cluster("web", 1)
        await rig.settled(web, 1)
        strangers = [rig.chaos.duplicate(order_of(rig, (await rig.rows())[0], place)) for place in range(3)]
        refs = [stranger.ref for stranger in strangers]
        adopted = await client.post("/droplets/orphans/bulk", json={"action": "adopt", "refs": [*refs[:1], "sim-none"]})
        assert [item["done"] for item in adopted.json()["results"]] == [True, False]
        assert adopted.json()["results"][0]["job_id"].startswith("job-")
        ended = await client.post("/droplets/orphans/bulk", json={"action": "destroy", "refs": refs})
        assert [item["done"] for item in ended.json()["results"]] == [False, True, True]
        assert (await client.get("/droplets/orphans")).json()["orphans"] == []

    play(tmp_path, scenario)


def order_of(rig: Rig, row: Any, place: int) -> Any:
    """An order for a droplet that nobody knows of."""

    class Nobody:
        id, name, cluster_id = f"droplet-of-nobody-{place}", f"nobody-{place}", None
        region, size, image = row.region, row.size, row.image

    return rig.fleet.order(Nobody)
