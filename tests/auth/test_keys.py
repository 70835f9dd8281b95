"""Keys over HTTP: malformed, misplaced and leaked ones, names that would be headers, and what a scope lets one see."""

import json
from typing import Any

import pytest

from tests.auth.access import Access, setup_token
from tests.waiting import poll_until

PREFIX, SECRET = "abcdefghjk", "A" * 43


@pytest.mark.parametrize(
    "shown",
    [
        "Bearer",
        "Bearer ",
        "Bearer cg_",
        f"Bearer cg_{PREFIX}_{SECRET}",
        f"Bearer cg_{PREFIX}_{SECRET}A",
        f"Bearer cg_{PREFIX.upper()}_{SECRET}",
        f"Bearer cg_{PREFIX}_{SECRET[:-1]}é",
        f"Bearer cgc_{SECRET}",
        f"Bearer cgs_{SECRET}",
        f"Basic cg_{PREFIX}_{SECRET}",
        "Bearer " + "cg_" * 2_000,
        "Bearer ' OR 1=1 --",
    ],
)
def test_what_is_no_key_is_refused_with_a_reason_and_not_repeated(access: Access, shown: str) -> None:
    answer = access.call("GET", "/jobs", headers={"Authorization": shown.encode().decode("latin-1")})
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert b"API key" in answer.body
    assert SECRET[:20].encode() not in answer.body


def test_a_true_prefix_with_another_secret_is_refused(access: Access) -> None:
    _, secret = access.new_key("viewer")
    last = "A" if secret[-1] != "A" else "B"
    assert access.call("GET", "/jobs", key=secret).status == 200
    assert access.call("GET", "/jobs", key=secret[:-1] + last).status == 401


def test_two_authorizations_are_not_two_chances(access: Access) -> None:
    twice = access.call("GET", "/jobs", key=access.admin, headers={"authorization": "Bearer nonsense"})
    assert twice.status in (400, 401)


@pytest.mark.parametrize("name", ["key", "api_key", "token", "access_token", "q"])
def test_a_key_in_an_address_is_refused_whoever_asks(access: Access, name: str) -> None:
    _, secret = access.new_key("viewer")
    for written in (secret, secret.replace("_", "%5F")):
        for key in (None, access.admin):
            answer = access.call("GET", f"/clusters?{name}={written}", key=key)
            assert (answer.status, answer.json()["type"].rsplit("/")[-1]) == (400, "key-in-address")
    for harmless in ("cg_", "cg_a-name-that-only-begins-like-one", "bearer%20bonds"):
        assert access.call("GET", f"/clusters?q={harmless}", key=access.admin).status == 200


@pytest.mark.parametrize("name", ["a\r\nSet-Cookie: x=1", "a\nb", "a\x00b", "", "x" * 101, "tab\tbed"])
def test_a_name_cannot_break_out_of_its_line(access: Access, name: str) -> None:
    body = {"name": name, "grants": [{"role": "viewer"}]}
    assert access.call("POST", "/auth/keys", key=access.admin, body=body).status == 422
    setup = access.call("POST", "/auth/setup", body={"token": "cgu_" + SECRET, "name": name})
    assert (setup.status, "x=1" in str(setup.headers)) == (422, False)


@pytest.mark.parametrize(
    "change",
    [
        {"grants": []},
        {"grants": [{"role": "root"}]},
        {"grants": [{"role": "viewer", "clusters": []}]},
        {"grants": [{"role": "viewer", "clusters": ["a\nb"]}]},
        {"grants": [{"role": "viewer", "clusters": ["x" * 65]}]},
        {"grants": [{"role": "viewer"}] * 51},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"expires_at": "2027-01-01T00:00:00"},
        {"expires_at": "soon"},
        {"secret": "cg_mine"},
    ],
)
def test_a_key_that_makes_no_sense_is_not_made(access: Access, change: dict[str, Any]) -> None:
    body = {"name": "n", "grants": [{"role": "viewer"}], **change}
    answer = access.call("POST", "/auth/keys", key=access.admin, body=body)
    assert answer.status == 422, answer.body


def test_a_secret_is_shown_once(access: Access) -> None:
    key_id, secret = access.new_key("viewer")
    for path in ("/auth/keys", f"/auth/keys/{key_id}"):
        told = access.call("GET", path, key=access.admin).body
        assert key_id.encode() in told
        assert secret.rpartition("_")[2].encode() not in told


def test_no_secret_is_in_any_line_event_problem_or_trail(access: Access) -> None:
    key_id, secret = access.new_key("operator")
    rotated = access.do("POST", f"/auth/keys/{key_id}/rotate")["secret"]
    login = access.call("POST", "/auth/login", body={"key": rotated})
    cookie = login.headers["set-cookie"].partition(";")[0].partition("=")[2]
    wrong = access.call("POST", "/auth/login", body={"key": secret})
    broken = access.call("POST", "/auth/login", body=json.dumps({"key": rotated})[:-1].encode())
    typed = access.call("POST", "/jobs", key=rotated, body={"type": rotated})
    access.call("GET", f"/jobs/{rotated}", key=rotated)
    access.call("GET", f"/{rotated}", key=rotated)
    access.call("DELETE", f"/auth/keys/{rotated}", key=access.admin)
    assert (wrong.status, broken.status, typed.status) == (401, 400, 422)
    job = access.do("POST", "/jobs", {"type": "noop"})["job"]["id"]
    poll_until(lambda: access.do("GET", f"/jobs/{job}")["job"]["status"] == "completed", 20)
    token = setup_token(access.server)
    lines = "\n".join(map(str, access.server.lines()))
    told = [
        lines,
        str(access.do("GET", "/events?page_size=100")),
        str(access.do("GET", "/audit?page_size=100")),
        *(answer.body.decode() for answer in (wrong, broken, typed)),
    ]
    for said in (secret, rotated, access.admin, cookie, token):
        hidden = said.rpartition("_")[2]
        assert [text[max(0, text.index(hidden) - 200) :][:300] for text in told if hidden in text] == []


class Two:
    """Two clusters with something of every kind in each, and an operator of each."""

    def __init__(self, access: Access) -> None:
        self.clusters = [access.cluster(access.unique()) for _ in range(2)]
        self.keys = [access.new_key("operator", [cluster])[1] for cluster in self.clusters]
        for cluster in self.clusters:
            access.do("POST", "/droplets", {"name": access.unique(), "cluster_id": cluster})
            access.do("POST", "/jobs", {"type": "monitor", "parameters": {"cluster_id": cluster}})
            access.do("POST", "/diagnosis/diagnose", {"cluster_id": cluster})
            access.do("POST", "/metrics", {"metrics": [{"cluster_id": cluster, "type": "cpu", "value": 1}]})
            nightly = {"name": access.unique(), "cron": "0 3 * * *", "type": "monitor"}
            access.do("POST", "/schedules", {**nightly, "parameters": {"cluster_id": cluster}})


@pytest.fixture(scope="module")
def two(access: Access) -> Two:
    return Two(access)


@pytest.mark.parametrize(
    ("path", "what", "field"),
    [
        ("/clusters", "clusters", "id"),
        ("/droplets", "droplets", "cluster_id"),
        ("/jobs", "jobs", "cluster_id"),
        ("/schedules", "schedules", "cluster_id"),
        ("/diagnosis", "diagnoses", "cluster_id"),
        ("/metrics", "metrics", "cluster_id"),
        ("/events", "events", "cluster_id"),
    ],
)
def test_a_list_has_what_is_of_ones_clusters_and_nothing_else(
    access: Access, two: Two, path: str, what: str, field: str
) -> None:
    for mine, key, other in zip(two.clusters, two.keys, reversed(two.clusters), strict=True):
        found = access.call("GET", f"{path}?page_size=100", key=key).json()
        assert {item[field] for item in found[what]} == {mine}
        assert found["total"] == len(found[what])
        if path != "/clusters" and path != "/schedules":
            asked = access.call("GET", f"{path}?cluster_id={other}", key=key).json()
            assert (asked[what], asked["total"]) == ([], 0)
    for counted in ("clusters", "droplets", "jobs"):
        if what == counted:
            total = access.call("GET", f"{path}/counts", key=two.keys[0]).json()["total"]
            assert total == access.call("GET", path, key=two.keys[0]).json()["total"]


def test_what_one_asks_for_cannot_reach_into_another_cluster(access: Access, two: Two) -> None:
    mine, other = two.clusters
    key = two.keys[0]
    theirs = access.do("GET", f"/droplets?cluster_id={other}")["droplets"][0]["id"]
    job = access.do("GET", f"/jobs?cluster_id={other}")["jobs"][0]["id"]
    for body in (
        {"type": "provision", "parameters": {"cluster_id": mine, "droplet_id": theirs}},
        {"type": "provision", "parameters": {"droplet_id": theirs}},
        {"type": "noop"},
        {"type": "scale", "parameters": {"cluster_id": other, "target_size": 9}},
    ):
        assert access.call("POST", "/jobs", key=key, body=body).status in (403, 404, 422)
    measured = {"metrics": [{"droplet_id": theirs, "type": "cpu", "value": 1}]}
    assert access.call("POST", "/metrics", key=key, body=measured).status == 404
    bulk = access.call("POST", "/jobs/bulk", key=key, body={"action": "cancel", "ids": [job]}).json()
    assert bulk["results"][0]["problem"]["status"] == 404
    bulk = access.call("POST", "/droplets/bulk", key=key, body={"action": "destroy", "ids": [theirs]}).json()
    assert bulk["results"][0]["problem"]["status"] == 404
    assert access.call("POST", "/droplets", key=key, body={"name": "loose"}).status == 403


def test_somebody_elses_keys_of_repetition_tell_nothing(access: Access, two: Two) -> None:
    mine, other = two.clusters
    theirs = {"type": "monitor", "parameters": {"cluster_id": other}, "unique_key": "one-at-a-time",
              "run_at": access.tomorrow()}  # fmt: skip
    header = {"Idempotency-Key": "shared-key"}
    made = access.call("POST", "/jobs", key=two.keys[1], body=theirs, headers=header).json()["job"]["id"]
    own = {**theirs, "parameters": {"cluster_id": mine}}
    repeated = access.call("POST", "/jobs", key=two.keys[0], body=own, headers=header)
    unique = access.call("POST", "/jobs", key=two.keys[0], body=own)
    assert (repeated.status, unique.status) == (422, 409)
    assert made.encode() not in repeated.body + unique.body


def test_who_may_do_everything_may_be_counted_as_somebody_else_and_nobody_else_may(access: Access) -> None:
    _, operator = access.new_key("operator")
    peek = "/observability/ratelimit?name=jobs_create&scope_type=user&scope_id="
    for key, named in ((access.admin, "grace"), (operator, "ada")):
        sent = {"X-User-ID": named}
        assert access.call("POST", "/jobs", key=key, body={"type": "noop"}, headers=sent).status == 201
    assert access.do("GET", peek + "grace")["available"] < 9999
    assert access.do("GET", peek + "ada")["available"] == 9999
    own = access.call("GET", peek.removesuffix("&scope_id="), key=operator).json()
    assert own["scope_id"].startswith("key:")
    assert own["available"] < 9999


def test_grants_add_up_and_each_stays_where_it_is_given(access: Access, two: Two) -> None:
    mine, other = two.clusters
    grants = [{"role": "viewer", "clusters": None}, {"role": "operator", "clusters": [mine]}]
    secret = access.do("POST", "/auth/keys", {"name": "both", "grants": grants})["secret"]
    assert access.call("GET", f"/clusters/{other}", key=secret).status == 200
    assert access.call("PUT", f"/clusters/{mine}", key=secret, body={}).status == 200
    assert access.call("PUT", f"/clusters/{other}", key=secret, body={}).status == 403
    for cluster, expected in ((mine, 201), (other, 403)):
        body = {"type": "monitor", "parameters": {"cluster_id": cluster}}
        assert access.call("POST", "/jobs", key=secret, body=body).status == expected
    theirs = access.do("GET", f"/jobs?cluster_id={other}")["jobs"][0]["id"]
    assert access.call("GET", f"/jobs/{theirs}", key=secret).status == 200
    assert access.call("POST", f"/jobs/{theirs}/cancel", key=secret).status == 403
    assert access.call("POST", "/clusters", key=secret, body={"name": "nope"}).status == 403


def test_a_changed_key_holds_at_once(access: Access, two: Two) -> None:
    key_id, secret = access.new_key("viewer", [two.clusters[0]])
    assert access.call("GET", f"/clusters/{two.clusters[1]}", key=secret).status == 404
    access.do("PUT", f"/auth/keys/{key_id}", {"grants": [{"role": "viewer", "clusters": [two.clusters[1]]}]})
    assert access.call("GET", f"/clusters/{two.clusters[1]}", key=secret).status == 200
    assert access.call("GET", f"/clusters/{two.clusters[0]}", key=secret).status == 404
