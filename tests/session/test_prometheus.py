# SPDX-License-Identifier: GPL-3.0-or-later
"""GET /metrics, judged by Debian's prometheus: promtool reads it, and a real one scrapes it."""
import json
import re
import shutil
import subprocess
import urllib.parse
import urllib.request

import pytest

from servers import BUILD, SLOW, Foldbackd, free_port, wait_for

needs_prometheus = pytest.mark.skipif(not shutil.which("promtool"), reason="no prometheus here")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prometheus")
    patch = folder / "patch.json"
    patch.write_text(json.dumps({"name": 'quote " and \\ slash', "stages": [{"id": "gain", "type": "gain"}]}))
    with Foldbackd(folder, "--stations", 3, "--patch", patch) as foldbackd:
        foldbackd.osc.send("/station/2/name", 'Lead "A"')
        foldbackd.osc.sync()
        yield foldbackd


def exposition(server):
    status, body = server.http("GET", "/metrics", raw=True)
    assert status == 200
    return body.decode()


def test_all_of_it_is_there(server):
    text = exposition(server)
    catalogue = json.loads(subprocess.run([BUILD / "foldback", "metrics", "--json"], capture_output=True, text=True,
                                          check=True).stdout)
    heads = re.findall(r"^# TYPE (\w+) (gauge|counter)$", text, re.M)
    names = [name for name, _ in heads]
    assert len(names) == len(set(names)) and all(name.startswith("foldback_") for name in names)
    metrics = catalogue["metrics"] if isinstance(catalogue, dict) else catalogue
    assert len(metrics) == 55
    for metric in metrics:
        name = re.search(rf"^# HELP (foldback_station_metric_{metric['id']}\w*) {re.escape(metric['label'])}(:| \()", text, re.M)
        assert name, metric["id"]
        samples = re.findall(rf"^{name[1]}\{{station=\"(\d)\"\}} (\S+)$", text, re.M)
        assert [station for station, _ in samples] == ["1", "2", "3"], metric["id"]
        assert all(value == "NaN" or float(value) == float(value) for _, value in samples)
    for name, kind in heads:
        assert name.endswith("_total") == (kind == "counter"), name
    for wanted in ("foldback_server_xruns_total ", "foldback_server_uptime_seconds ", "foldback_server_dsp_load_ratio ",
                   'foldback_station_score_quality{station="2"} ', 'foldback_station_out_faults_ticks_total{station="1"} 0',
                   r'foldback_station_info{station="2",name="Lead \"A\"",patch="quote \" and \\ slash"} 1'):
        assert wanted in text, wanted


@needs_prometheus
def test_promtool_has_no_complaint(server):
    done = subprocess.run(["promtool", "check", "metrics"], input=exposition(server), capture_output=True, text=True)
    assert done.returncode == 0 and not done.stdout + done.stderr, done.stdout + done.stderr


@needs_prometheus
@pytest.mark.slow
@pytest.mark.waits
def test_a_real_prometheus_scrapes_it(server, tmp_path):
    port = free_port()
    (tmp_path / "p.yml").write_text(
        "global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: foldback\n  static_configs:\n"
        f"  - targets: ['127.0.0.1:{server.http_port}']\n")

    def query(what):
        url = f"http://127.0.0.1:{port}/api/v1/query?query={urllib.parse.quote(what)}"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return json.load(answer)["data"]["result"]
        except OSError:
            return []
    with open(tmp_path / "log", "w") as log:
        prometheus = subprocess.Popen(["prometheus", f"--config.file={tmp_path}/p.yml", f"--storage.tsdb.path={tmp_path}/data",
                                       f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
    try:
        up = wait_for(lambda: query('up{job="foldback"} == 1'), 40 * SLOW, "a scrape")
        assert up[0]["value"][1] == "1", (tmp_path / "log").read_text()[-2000:]
        assert len(query('{__name__=~"foldback_station_metric_.*"}')) == 55 * 3
        assert float(query("foldback_server_stations")[0]["value"][1]) == 3
    finally:
        prometheus.terminate()
        prometheus.wait(20)
