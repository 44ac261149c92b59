from gated_mean import GatedMean

from tasktalk.testing import check_communication


def test_contract() -> None:
    check_communication(GatedMean, trains_senders=True)
