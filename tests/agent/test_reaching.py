"""An agent finds its control plane again: after failures, moves and restarts, and gives up only when told to."""

import json
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent.control_plane import ControlPlane
from tests.agent.droplets import Droplet
from tests.waiting import poll_until


@pytest.fixture
def plane() -> Iterator[ControlPlane]:
    with ControlPlane() as found:
        yield found


@pytest.fixture
def droplets(tmp_path: Path) -> Iterator[list[Droplet]]:
    found: list[Droplet] = []
    yield found
    for droplet in found:
        droplet.stop()


def test_it_waits_for_a_server_that_is_not_up_yet(tmp_path: Path, droplets: list[Droplet], free_port: int) -> None:
    droplet = Droplet(tmp_path / "d", f"http://127.0.0.1:{free_port}").start()
    droplets.append(droplet)
    droplet.hears("Connection refused")
    with ControlPlane(free_port) as plane:
        poll_until(lambda: plane.heartbeats)
        droplet.hears("in touch with")


def test_it_comes_back_to_a_restarted_server_with_the_same_credential(
    tmp_path: Path, droplets: list[Droplet], free_port: int
) -> None:
    with ControlPlane(free_port) as first:
        droplet = Droplet(tmp_path / "d", first.url).start()
        droplets.append(droplet)
        poll_until(lambda: first.heartbeats)
    droplet.hears("Connection refused")
    with ControlPlane(free_port) as second:
        second.credentials = first.credentials
        poll_until(lambda: len(second.heartbeats) >= 2)
        assert second.enrolments == []


def test_it_goes_on_with_the_other_server_when_one_dies(tmp_path: Path, droplets: list[Droplet]) -> None:
    with ControlPlane() as living:
        with ControlPlane() as dying:
            living.tokens, living.credentials = dying.tokens, dying.credentials
            droplet = Droplet(tmp_path / "d", f"{dying.url},{living.url}").start()
            droplets.append(droplet)
            poll_until(lambda: len(dying.heartbeats) >= 2)
            assert not living.heartbeats
        poll_until(lambda: len(living.heartbeats) >= 2)
        assert len(dying.enrolments) + len(living.enrolments) == 1


def test_it_follows_a_server_that_moved(tmp_path: Path, droplets: list[Droplet]) -> None:
    with ControlPlane() as old:
        droplet = Droplet(tmp_path / "d", old.url, backoff_seconds=60).start()
        droplets.append(droplet)
        poll_until(lambda: old.heartbeats)
    droplet.hears("Connection refused")
    with ControlPlane() as new:
        new.credentials = old.credentials
        (droplet.state / "server.new").write_text(json.dumps({"server": new.url}))
        (droplet.state / "server.new").rename(droplet.state / "server.json")
        poll_until(lambda: len(new.heartbeats) >= 2)


def test_a_move_to_an_unencrypted_server_elsewhere_is_not_followed(
    tmp_path: Path, plane: ControlPlane, droplets: list[Droplet]
) -> None:
    droplet = Droplet(tmp_path / "d", plane.url)
    (droplet.state / "server.json").write_text('{"server": "http://192.0.2.1:8080"}')
    droplets.append(droplet.start())
    poll_until(lambda: plane.heartbeats)
    assert "plain http is only for a server on this computer" in droplet.said()


@pytest.mark.parametrize(
    "url",
    ["http://192.0.2.1/", "ftp://127.0.0.1", "127.0.0.1:80", "http://", "http://[::1", "http://127.0.0.1:99999", ""],
)
def test_a_server_address_that_cannot_be_used_ends_it_with_a_sentence(tmp_path: Path, url: str) -> None:
    droplet = Droplet(tmp_path / "d", url).start()
    assert droplet.exit_code() == 2
    assert '"level": "error"' in droplet.said()


def test_a_damaged_bootstrap_ends_it_with_a_sentence(tmp_path: Path) -> None:
    droplet = Droplet(tmp_path / "d", "http://127.0.0.1:1")
    droplet.bootstrap.write_text("{")
    assert droplet.start().exit_code() == 2
    assert "does not name a droplet_id" in droplet.said()


@pytest.mark.parametrize("status", [500, 502, 503, 429, 404, 302])
def test_an_answer_that_is_no_is_tried_again(
    tmp_path: Path, plane: ControlPlane, droplets: list[Droplet], status: int
) -> None:
    plane.script("enroll", status)
    plane.script("heartbeat", status, status)
    droplets.append(Droplet(tmp_path / "d", plane.url).start())
    poll_until(lambda: len(plane.heartbeats) >= 4)
    assert len(plane.enrolments) == 2


def test_a_server_that_names_a_time_is_left_alone_until_then(
    tmp_path: Path, plane: ControlPlane, droplets: list[Droplet]
) -> None:
    plane.script("enroll", (429, {"Retry-After": "300"}))
    droplet = Droplet(tmp_path / "d", plane.url)
    droplets.append(droplet.start())
    droplet.hears("answered 429")
    # It still looks at the files that bring news, and news ends the wait.
    (droplet.state / "server.json").write_text(json.dumps({"server": plane.url}))
    poll_until(lambda: plane.heartbeats)
    assert len(plane.enrolments) == 2


@pytest.mark.parametrize("wait", ["soon", "-1", "1e9", "٣", "Wed, 21 Oct 2099 07:28:00 GMT"])
def test_a_time_that_makes_no_sense_is_ignored(
    tmp_path: Path, plane: ControlPlane, droplets: list[Droplet], wait: str
) -> None:
    raw = f"HTTP/1.1 503 Busy\r\nRetry-After: {wait}\r\nContent-Length: 0\r\n\r\n".encode()
    plane.script("enroll", raw)
    droplets.append(Droplet(tmp_path / "d", plane.url).start())
    poll_until(lambda: plane.heartbeats)


def test_the_server_sets_the_pace_within_reason(tmp_path: Path, plane: ControlPlane, droplets: list[Droplet]) -> None:
    plane.script("enroll", {"credential": plane.issue(), "heartbeat_seconds": "fast"})
    paces: tuple[object, ...] = (0.06, -5, 0, None, True, [], 0.06)
    plane.script("heartbeat", *({"heartbeat_seconds": pace} for pace in paces))
    droplets.append(Droplet(tmp_path / "d", plane.url).start())
    poll_until(lambda: len(plane.heartbeats) >= 9)


def test_it_ends_when_its_directory_is_gone(tmp_path: Path, plane: ControlPlane, droplets: list[Droplet]) -> None:
    droplet = Droplet(tmp_path / "d", plane.url).start()
    droplets.append(droplet)
    poll_until(lambda: plane.heartbeats)
    shutil.rmtree(droplet.state)
    assert droplet.exit_code(15) == 0
    assert "the state directory is gone" in droplet.said()


def test_it_ends_when_nobody_answers_for_too_long_if_so_configured(tmp_path: Path, free_port: int) -> None:
    droplet = Droplet(tmp_path / "d", f"http://127.0.0.1:{free_port}", orphan_seconds=0.5).start()
    assert droplet.exit_code() == 0
    assert "no word from the control plane for 0.5 s" in droplet.said()


def test_a_directive_to_stop_is_obeyed(tmp_path: Path, plane: ControlPlane, droplets: list[Droplet]) -> None:
    droplet = Droplet(tmp_path / "d", plane.url).start()
    droplets.append(droplet)
    poll_until(lambda: plane.heartbeats)
    plane.directive = "stop"
    assert droplet.exit_code() == 0


def test_the_log_stays_short_while_the_server_is_away(
    tmp_path: Path, droplets: list[Droplet], plane: ControlPlane
) -> None:
    plane.script("enroll", *[500] * 12)
    droplet = Droplet(tmp_path / "d", plane.url, backoff_seconds=0.05).start()
    droplets.append(droplet)
    poll_until(lambda: plane.heartbeats)
    assert droplet.said().count("answered 500") == 1


# --- encryption ---


def authority(directory: Path, name: str) -> tuple[Path, ssl.SSLContext]:
    """A self-signed certificate for 127.0.0.1, as a PEM file and as a server's context."""
    directory.mkdir()
    key, certificate = directory / "key.pem", directory / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return certificate, context


def test_it_speaks_tls_with_the_authority_it_was_given(tmp_path: Path, droplets: list[Droplet]) -> None:
    certificate, context = authority(tmp_path / "ca", "ours")
    with ControlPlane(tls=context) as plane:
        droplets.append(Droplet(tmp_path / "d", plane.url, ca_pem=certificate.read_text()).start())
        poll_until(lambda: len(plane.heartbeats) >= 2)


def test_a_server_with_another_authority_never_sees_the_token(tmp_path: Path, droplets: list[Droplet]) -> None:
    _, theirs = authority(tmp_path / "theirs", "theirs")
    ours, _ = authority(tmp_path / "ours", "ours")
    with ControlPlane(tls=theirs) as plane:
        droplet = Droplet(tmp_path / "d", plane.url, ca_pem=ours.read_text()).start()
        droplets.append(droplet)
        droplet.hears("CERTIFICATE_VERIFY_FAILED")
        assert plane.enrolments == []


def test_garbage_for_an_authority_is_said(tmp_path: Path, droplets: list[Droplet]) -> None:
    droplet = Droplet(tmp_path / "d", "https://127.0.0.1:1", ca_pem="nonsense").start()
    droplets.append(droplet)
    droplet.hears("no use of https://127.0.0.1:1")
    assert droplet.running()
