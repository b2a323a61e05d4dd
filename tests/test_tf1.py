"""TensorFlow as the program uses it."""

import types

from srcnn import tf1


def test_gpus_are_named(monkeypatch, capsys):
    """TensorFlow's answers on a machine with a card, replayed."""
    device = types.SimpleNamespace
    found = [device(name="/device:CPU:0", device_type="CPU"), device(name="/device:GPU:0", device_type="GPU")]
    monkeypatch.setattr(tf1.tf.config, "list_physical_devices", lambda kind: [kind])
    details = {"device_name": "NVIDIA A100", "compute_capability": (8, 0)}
    monkeypatch.setattr(tf1.tf.config.experimental, "get_device_details", lambda gpu: details)
    tf1.say_gpus(device(list_devices=lambda: found))
    assert capsys.readouterr().out == "computing on GPU: NVIDIA A100\n"
    tf1.say_gpus(device(list_devices=lambda: found[:1]))
    assert capsys.readouterr().out == ""
