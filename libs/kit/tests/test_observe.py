"""What is logged is configured once, and captured whenever it is."""

from kit.observe import configure_logging, log
from structlog.testing import capture_logs


def test_a_logger_that_was_used_before_logging_was_configured_again_is_still_captured() -> None:
    configure_logging("first")
    early = log.bind()
    early.info("used")
    configure_logging("second")
    with capture_logs() as logged:
        log.info("seen")
        early.info("seen too")
    assert [entry["event"] for entry in logged] == ["seen", "seen too"]
