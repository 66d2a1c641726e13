# example.safetensors

**An example, not a safety device.** It tells fight from no-fight in two-second windows of surveillance video, and it is wrong about
one clip in four of sources that it has not seen. Do not let it decide anything about people.

| | |
|---|---|
| what | one frozen ImageNet MobileNetV2 for looks at 160 and 96 pixels and the glance at 48; a policy (LSTM, 64 wide, on a projection of 32) and a linear head on averages and changes of features; fp16, @@SIZE@@ |
| data | 240 clips of 2 s of the [Surveillance Camera Fight set](https://github.com/seymanurakti/fight-detection-surv-dataset) (Aktı, Tataroğlu, Ekenel, IPTA 2019; MIT), scaled to a short side of at most 256 px; 120 fight, 120 no-fight, from 37 sources, in 4 folds that share no source |
| licence | Apache-2.0, as the backbone's weights (see [mobilenet_v2_imagenet.md](mobilenet_v2_imagenet.md)) |
| SHA-256 | `@@HASH@@` |
| command | `adaframe train --config configs/fight-example.yaml --data.manifest clips.csv --fold all --out runs/fight` ([datasets/README.md](../datasets/README.md) says how to get the clips) |
| sampling | 16 frames per window of 2.0 s, the whole picture squeezed to 160×160 |

## Results

Each clip answered by the model of the other three folds; n = 240, intervals (95 %) by source; nothing was chosen on the fold that it is
reported on.

@@TABLE@@

By itself the policy settles on the cheapest plan that is as good: glances alone on most folds. A static plan of glances does the same, so
on these clips **adaptivity buys nothing over the right static plan**; what it buys is that nobody had to find that plan.

`unsure` is said below a confidence of @@UNSURE@@: at most 10 % of the rightly answered clips (out of fold) come out unsure. @@SCOPE@@

## Limits

* Few sources: all of a source's clips look alike, so 240 clips are fewer than they seem.
* Two sources, `camnet` and `synopsis`, hold only no-fight clips, at picture sizes of their own; a model can tell these by their look.
* Anything that moves much may come out as a fight. It knows no other classes, and footage that has nothing to do with them gets a label all the
  same.
* Final weights are trained on all 240 clips: no clip of that set can be used to judge this file.
