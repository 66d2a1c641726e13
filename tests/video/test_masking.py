"""Passwords in addresses."""

from __future__ import annotations

import pytest

from adaframe.errors import UsageError
from adaframe.video.masking import expand, hide, mask


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("rtsp://admin:secret@10.0.0.2:554/live", "rtsp://admin:***@10.0.0.2:554/live"),
        ("rtsp://admin:p@ss@host/live", "rtsp://admin:***@host/live"),
        ("rtsp://admin:a/b@host/live", "rtsp://admin:***@host/live"),
        ("http://token@host/live", "http://***@host/live"),
        ("http://host/v?channel=1&password=x&Token=abc%20d#t", "http://host/v?channel=1&password=***&Token=***#t"),
        ("http://host/v?api_key=1;user=me", "http://host/v?api_key=***;user=me"),
        ("'rtsp://u:p1@a/' and 'rtsp://u:p2@b/'", "'rtsp://u:***@a/' and 'rtsp://u:***@b/'"),
        ("http://[::1]:8080/@2x", "http://[::1]:8080/@2x"),
        ("http://host:8080/live@2x", "http://host:8080/live@2x"),
        ("videos/a:b@c.mp4", "videos/a:b@c.mp4"),
    ],
)
def test_passwords_are_masked_and_the_rest_stays(text: str, masked: str) -> None:
    assert mask(text) == masked


def test_variables_of_the_environment_are_put_in_escaped_and_are_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAM_USER", "operator")
    monkeypatch.setenv("CAM_PASSWORD", "a@b/c:d")
    monkeypatch.setenv("CAM_HOST", "10.0.0.2:554")

    url, secrets = expand("rtsp://$CAM_USER:${CAM_PASSWORD}@$CAM_HOST/live")

    assert url == "rtsp://operator:a%40b%2Fc%3Ad@10.0.0.2:554/live"
    assert hide(f"{url}: operator may not a@b/c:d", secrets) == "rtsp://***:***@10.0.0.2:554/live: *** may not ***"


def test_passwords_that_errors_quote_without_the_address_are_hidden() -> None:
    _, secrets = expand("rtsp://admin:my%20secret@host/live?token=abcdef")

    assert hide("my secret, my%20secret and abcdef were refused", secrets) == "***, *** and *** were refused"


def test_a_missing_variable_is_named_without_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAM_USER", raising=False)

    with pytest.raises(UsageError, match="CAM_USER is not set") as error:
        expand("rtsp://$CAM_USER:secret@host/live")

    assert "secret" not in str(error.value)


def test_a_dollar_that_names_no_variable_stays() -> None:
    assert expand("http://host/a$/b?x=$1") == ("http://host/a$/b?x=$1", ())
