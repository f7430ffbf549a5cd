# SPDX-License-Identifier: GPL-3.0-or-later
"""The OpenAPI document against the server that serves it: each documented operation answers with a documented status
and shape, and a path takes the documented methods and no others. The judge is python3-jsonschema."""
import io
import json
import re
import urllib.request
import wave

import jsonschema
import pytest

from servers import Foldbackd


def tone():
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, 48000, 0, "NONE", ""))
        out.writeframes(b"\x00\x10\x00\xf0" * 2400)
    return file.getvalue()


METHODS = ("get", "post", "put", "delete")
# What makes an operation succeed; what is not here is asked for with nothing special, and may be refused.
LIVE = {"station": 1, "source": {"live": 0.1}}
PATCH = {"name": "openapi", "stages": [{"id": "gain", "type": "gain"}]}
GOOD = {
    ("post", "/api/stations/{station}/params"): {"gain.gain": -1.0},
    ("put", "/api/stations/{station}/patch"): PATCH,
    ("post", "/api/stations/{station}/edit"): {"edits": [{"op": "add", "type": "comp", "id": "more",
                                                          "parameters": {"ratio": 3}},
                                                         {"op": "connect", "from": "in", "to": "more:sidechain"}]},
    ("put", "/api/scenes/{scene}"): {"stations": {"1": {"patch": PATCH, "leaves": {"mute": False}}}},
    ("post", "/api/scenes/{scene}/save"): {"stations": [1, 2]},
    ("post", "/api/scenes/{scene}/load"): {"morph_s": 0.1, "stations": [1]},
    ("put", "/api/scene-safe"): {"safe": ["3/comp.threshold"]},
    ("post", "/api/calibration/run"): {**LIVE, "notes": "x", "subjective": 4, "include_audio": True},
    ("post", "/api/calibration/audition"): {**LIVE, "candidates": [{}, {"gain.gain": -3}]},
    ("put", "/api/samples/{name}"): tone(),
    ("put", "/api/sessions/{session}"): {"any": ["thing"]},
}
VALUES = {"station": "1", "name": "tone.wav", "session": "evening-1", "scene": "Verse"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("openapi")
    patch = folder / "patch.json"
    patch.write_text(json.dumps(PATCH))
    with Foldbackd(folder, "--stations", 2, "--patch", patch) as foldbackd:
        yield foldbackd


@pytest.fixture(scope="module")
def document(server):
    return server.get("/api/openapi.json")


def operations(document):
    return [(method, path, item[method]) for path, item in document["paths"].items() for method in METHODS if method in item]


def check_shape(document, schema, value):
    """Holds a value against a schema whose references lie in the document."""
    jsonschema.Draft202012Validator({**schema, "components": document["components"]}).validate(value)


def filled(path, values):
    return re.sub(r"\{(\w+)\}", lambda name: values.get(name[1], "none"), path)


def ask(server, document, method, path, operation, values):
    """Perform an operation; its answer must be as documented. Returns the status."""
    if "text/event-stream" in operation["responses"].get("200", {}).get("content", {}):
        with urllib.request.urlopen(server.url(filled(path, values)), timeout=10) as stream:  # it has no end
            assert stream.headers["Content-Type"] == "text/event-stream"
            return stream.status
    body = GOOD.get((method, path), {} if "requestBody" in operation else None)
    status, answer = server.http(method.upper(), filled(path, values), body, raw=True)
    documented = operation["responses"].get(str(status))
    assert documented, f"{method} {path} answered {status}, which its documentation does not know: {answer[:300]}"
    kind = documented.get("content", {}).get("application/json", {})
    if kind.get("schema"):
        check_shape(document, kind["schema"], json.loads(answer))
    return status


def test_the_document_is_well_formed(document):
    assert document["openapi"] == "3.1.0" and document["info"]["version"]
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema, "a schema could not be read"
    text = json.dumps(document)
    for name in re.findall(r'"#/components/schemas/(\w+)"', text):
        assert name in document["components"]["schemas"]
    for method, path, operation in operations(document):
        in_path = {param["name"] for param in operation["parameters"] if param["in"] == "path"}
        assert in_path == set(re.findall(r"\{(\w+)\}", path)), path
        assert operation["summary"].endswith(".") and operation["responses"]
        assert all(content is not None for answer in operation["responses"].values()
                   for content in answer.get("content", {}).values())


def test_every_operation_answers_as_documented(server, document):
    values = dict(VALUES)
    for method in ("put", "post", "get", "delete"):  # what is put is there to be got
        for this, path, operation in operations(document):
            if this == method:
                status = ask(server, document, method, path, operation, values)
                if (method, path) in GOOD:
                    assert status in (200, 201), (method, path, status)
                    if path == "/api/calibration/run":
                        values["run"] = server.get("/api/runs?limit=1")[0]["run_id"]
    assert {(method, path) for method, path, _ in operations(document)} >= set(GOOD)


def test_nothing_is_there_under_other_names(server, document):
    for method, path, operation in operations(document):
        for param in operation["parameters"]:
            if param["in"] == "path":
                assert ask(server, document, method, path, operation, {**VALUES, param["name"]: "%20"}) != 500


def test_the_documented_methods_are_those_that_are_taken(server, document):
    for path, item in document["paths"].items():
        for method in METHODS:
            if method not in item:
                status, answer = server.http(method.upper(), filled(path, VALUES), None)
                assert status == 405 and answer["error"]["code"] == 405, (method, path)


def test_query_parameters_are_held_to_their_documentation(server, document):
    for method, path, operation in operations(document):
        where = filled(path, VALUES)
        if method != "get":
            continue
        status, answer = server.http("GET", where + "?nonsense=1")
        assert status == 400 and "nonsense" in answer["error"]["message"]
        for param in operation["parameters"]:
            if param["in"] == "query" and param["schema"]["type"] == "integer":
                for bad in (param["schema"]["minimum"] - 1, param["schema"]["maximum"] + 1, "x", "", "1e3"):
                    assert server.http("GET", f"{where}?{param['name']}={bad}")[0] == 400, (path, bad)
            if "enum" in param["schema"]:
                assert server.http("GET", f"{where}?{param['name']}=nonsense")[0] == 400
