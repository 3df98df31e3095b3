"""What customers may ask for: portraits, exports, erasure; nothing personal in representations."""

from __future__ import annotations

import json
import pickle
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import tactful

KEY = b"a secret that only we keep"
NOW = "2026-03-10T00:00:00Z"
EXAMPLE = Path(__file__).parents[2] / "examples" / "portrait"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture
def base() -> tactful.CustomerBase:
    base = tactful.CustomerBase(tactful.Engine.load(EXAMPLE / "playbook.yaml"))
    for line in (EXAMPLE / "events.jsonl").read_text(encoding="utf-8").splitlines():
        base.record(tactful.Event.from_json(line))
    return base


def test_a_portrait_prints_itself_and_its_repr_does_not(base: tactful.CustomerBase) -> None:
    portrait = base.portrait("customer:10482", NOW)
    assert "Ada Lovelace" in str(portrait) and "lactose" in portrait.html and "Ada Lovelace" in portrait._repr_html_()
    assert repr(portrait) == "<Portrait at 2026-03-10T00:00:00Z: 26 events>"
    assert portrait.to_dict()["called"] == "customer:10482"
    customer = base.find("customer:10482")
    assert customer is not None
    for seen in (customer.portrait(NOW, audience="customer"), base.engine.portrait(customer, NOW, audience="hotline")):
        assert "lactose" not in str(seen) + seen.html + json.dumps(seen.to_dict())
    assert len(customer.portrait(NOW, events=3).to_dict()["timeline"]) == 3
    with pytest.raises(tactful.RequestError, match="did you mean `hotline`"):
        customer.portrait(NOW, audience="hotlin")


def test_an_export_makes_an_equal_customer(base: tactful.CustomerBase) -> None:
    export = base.export("cookie:8f2c41d0", NOW)
    again = tactful.CustomerBase(base.engine)
    for event in reversed(export["events"]):
        again.record(tactful.Event.from_json(json.dumps(event)))
    assert again.export("customer:10482", NOW) == export
    customer = base.find("customer:10482")
    assert customer is not None
    assert all(tactful.Event.from_json(text).to_json() == text for text in map(tactful.Event.to_json, customer.events()))
    told = base.engine.export(customer, NOW)
    assert len(told["events"]) == len(export["events"]) and told["links"] == []


def test_who_it_is_and_how_long_it_is_kept(base: tactful.CustomerBase) -> None:
    identity = base.identity("customer:10482", "2026-02-04T00:00:00Z")
    assert [known["identifier"] for known in identity["identifiers"]] == ["cookie:8f2c41d0", "customer:10482"]
    assert len(base.identity("customer:10482", NOW)["links"]) == 2
    assert base.retention(NOW)["customers"] == 1 and base.retention(NOW, identifier="customer:1")["customers"] == 0
    with pytest.raises(tactful.QueryError):
        base.retention(NOW, identifier="nobody")


def test_erasure_leaves_a_receipt_and_refuses(base: tactful.CustomerBase) -> None:
    event = tactful.Event("view", "2026-03-01T00:00:00Z", "customer:10482")
    with pytest.raises(tactful.EventError) as short:
        base.erase("customer:10482", NOW, b"short")
    assert short.value.code == "erasure_key"
    one = base.erase_identifier("email:Ada.Lovelace@example.org", NOW, KEY)
    assert one.receipt["scope"] == "identifier" and one.identifiers == ["email:ada.lovelace@example.org"]
    erasure = base.erase("customer:10482", NOW, KEY)
    assert erasure.identifiers == ["cookie:8f2c41d0", "customer:10482"] and len(base) == 0
    assert "10482" not in json.dumps(erasure.receipt) + repr(erasure) and list(erasure.effects) == []
    again = pickle.loads(pickle.dumps(base))
    with pytest.raises(tactful.EventError) as locked:
        again.record(event)
    assert locked.value.code == "erasure_key"
    again.unlock(KEY)
    with pytest.raises(tactful.EventError) as erased:
        again.record(event)
    assert erased.value.code == "erased"
    until = again.erased_until("customer:10482")
    assert until is not None and until.isoformat() == "2026-03-10T00:00:00+00:00"
    assert again.erased_until("customer:1") is None


def test_customers_outside_of_a_base_are_erased_too(base: tactful.CustomerBase) -> None:
    engine, customer = base.engine, base.find("customer:10482")
    assert customer is not None
    event = customer.events()[-1]
    tombstones = tactful.Tombstones(KEY)
    erasure = engine.erase(customer, NOW, tombstones)
    assert erasure.receipt["events"]["purchase"] == 5 and len(customer) == 0 and len(tombstones) == len(erasure.identifiers)
    again = tactful.Tombstones.from_bytes(tombstones.to_bytes(), KEY)
    with pytest.raises(tactful.EventError) as refused:
        again.check(engine, event)
    assert refused.value.code == "erased"
    again.check(engine, tactful.Event("view", "2026-03-11T00:00:00Z", "customer:10482"))
    with pytest.raises(tactful.StateError):
        tactful.Tombstones.from_bytes(tombstones.to_bytes(), b"another secret of nobody")


def test_the_examples_of_the_guide_run() -> None:
    page = (EXAMPLE.parents[1] / "docs" / "rights.md").read_text(encoding="utf-8")
    names: dict[str, object] = {}
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 2
    for block in blocks:
        exec(block, names)


def test_what_is_rectified_counts_as_never_told(base: tactful.CustomerBase) -> None:
    told = {"event": "first-order", "reason": "a test order"}
    wrong = tactful.Event("rectified", "2026-03-05T00:00:00Z", "customer:10482", properties=told)
    assert {effect.kind for effect in base.record(wrong)} <= {"withdrawn", "corrected"}
    before, after = (str(base.portrait("customer:10482", now)) for now in ("2026-03-04T00:00:00Z", NOW))
    assert "Spelt spaghetti" in before and "Spelt spaghetti" not in after and "a test order" in after
    assert any(event["id"] == "first-order" for event in base.export("customer:10482", NOW)["events"])


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: make deps installs it on Debian")
@pytest.mark.parametrize("width", [1200, 400])
def test_a_page_fits_in_a_browser_and_nothing_in_it_runs(base: tactful.CustomerBase, width: int, tmp_path: Path) -> None:
    evil = "<img src=x onerror=document.title='run'><script>document.title='run'</script>\"'&" + "x" * 300
    who = "customer:10482"
    base.record(tactful.Event("attribute_set", NOW, who, properties={"attribute": "name", "value": evil}))
    base.record(tactful.Event("view", NOW, who, channel=evil[:60], properties={"sku": evil}))
    page = tmp_path / "portrait.html"
    page.write_text(base.portrait(who, NOW).html, encoding="utf-8")
    # A frame has the width of a telephone, which headless windows do not go down to; it tells how much wider its page is.
    wider = "d.documentElement.scrollWidth-d.documentElement.clientWidth"
    probe = f"<script>onload=()=>{{let d=f.contentDocument;document.title=[d.title,{wider},d.images.length].join('|')}}</script>"
    frame = tmp_path / "frame.html"
    frame.write_text(f"<!doctype html><iframe id=f src=portrait.html width={width} height=900></iframe>{probe}", encoding="utf-8")
    flags = [
        "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--allow-file-access-from-files", "--dump-dom",
        "--disable-background-networking", f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1400,1000",
    ]  # fmt: skip
    done = subprocess.run([str(CHROMIUM), *flags, frame.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    assert f"<title>{who}|0|0</title>" in done.stdout
