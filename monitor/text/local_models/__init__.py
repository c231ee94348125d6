"""Models of the operator's own, read from a local folder: sentences as figures, and another judge. The [onnx] extra.

A folder holds what an export to ONNX writes (`optimum-cli export onnx`, or sentence-transformers' own): `model.onnx`
(or `onnx/model.onnx`), `tokenizer.json`, and `config.json`, which a classifier needs for the names of its labels. Of
sentence-transformers' files `1_Pooling/config.json` and `sentence_bert_config.json` are heeded where they stand there.

Nothing is ever downloaded, and nothing but what the graph declares is fed. A folder that cannot be used is refused
whole, while it is loaded: one sentence and the longest row that the model may ever see are tried first. What was loaded
may serve many threads. It runs on one thread at a time for each caller: on few cores more were slower.

`encoder.py` and `classifier.py` are the two kinds. Both run a graph (`graph.py`: the only file that knows onnxruntime
and tokenizers), whose figures `figures.py` works out (the only one that knows numpy). All three are imported only once
a folder is named.
"""
