"""The numbers of the paper's tables, for comparison.

Source: Sun et al., Explain and Improve: LRP-Inference Fine-Tuning for Image Captioning Models, arXiv 2001.01037v5. As
printed: metrics and precisions in percent, AUC between 0 and 1, counts of words. The paper has no intervals and one
trained model per row. Flickr30k and MSCOCO 2017; Table 1 also has three models of other authors, two of them on MSCOCO
2014.
"""

import io
from collections.abc import Mapping

import pandas as pd

AUC_OF_ONE_MINUS_BETA = 0.6005
"""The AUC of 1 - beta (beta: the share of the sentinel), from the caption of Table 2."""

TRUE_MENTIONS, FALSE_MENTIONS = 1027, 715
"""Numbers of mentions in Table 2, of the 20 most frequent object words (section 5.3.1)."""

_TABLE_1 = """
dataset       model          F_BERT  CIDEr   SPICE  ROUGE-L  METEOR
Flickr30K     Ada-LSTM-CNN   90.56   51.54   13.87  46.79    20.18
Flickr30K     Ada-LSTM-BU    90.04   63.03   16.52  49.32    21.94
Flickr30K     MH-FC-CNN      90.54   53.65   14.85  46.92    20.71
Flickr30K     MH-FC-BU       90.14   63.22   16.90  49.22    22.37
Flickr30K     AdaATT         –       53.10   14.50  46.70    20.40
MSCOCO2017    Ada-LSTM-CNN   91.83   107.03  19.49  54.34    26.10
MSCOCO2017    Ada-LSTM-BU    91.01   111.87  19.17  55.04    25.93
MSCOCO2017    MH-FC-CNN      91.85   108.16  20.10  54.42    26.45
MSCOCO2017    MH-FC-BU       91.29   120.31  21.80  56.52    28.02
MSCOCO2014    AdaATT         –       108.50  19.40  54.90    26.60
MSCOCO2014    SCST:att2all   –       114.00  –      55.70    26.70
MSCOCO2014    BUTD           –       120.10  21.40  56.90    27.70
"""

_TABLE_2 = """
statistic     lrp     guided_grad_cam  grad_cam  attention  guided_backprop
quantile-5%   0.6022  0.4392           0.5936    0.5598     0.4621
quantile-50%  0.5821  0.5358           0.5730    0.5136     0.5168
max           0.5168  0.5743           0.5580    0.5169     0.5575
mean          0.5798  0.4319           0.5857    0.5308     0.4648
"""

_TABLE_3 = """
dataset     model         trained  baseline  LRP-IFT
Flickr30K   Ada-LSTM-CNN  scst     52.95     54.47
Flickr30K   Ada-LSTM-BU   scst     63.84     64.61
Flickr30K   MH-FC-CNN     scst     55.98     57.71
Flickr30K   MH-FC-BU      scst     64.46     64.98
Flickr30K   Ada-LSTM-CNN  ce       58.53     60.80
Flickr30K   Ada-LSTM-BU   ce       60.70     65.01
Flickr30K   MH-FC-CNN     ce       55.50     59.23
Flickr30K   MH-FC-BU      ce       64.08     66.10
MSCOCO2017  Ada-LSTM-CNN  scst     72.29     73.85
MSCOCO2017  Ada-LSTM-BU   scst     78.57     80.55
MSCOCO2017  MH-FC-CNN     scst     73.74     73.42
MSCOCO2017  MH-FC-BU      scst     78.10     77.71
MSCOCO2017  Ada-LSTM-CNN  ce       73.65     74.00
MSCOCO2017  Ada-LSTM-BU   ce       79.06     79.80
MSCOCO2017  MH-FC-CNN     ce       77.15     76.87
MSCOCO2017  MH-FC-BU      ce       81.02     81.16
"""

_TABLE_4 = """
dataset     model         trained  tuned     F_BERT  CIDEr  SPICE  ROUGE-L  METEOR
Flickr30K   Ada-LSTM-CNN  scst     baseline  90.6    51.1   13.9   46.4     20.0
Flickr30K   Ada-LSTM-CNN  scst     LRP-IFT   90.6    50.9   14.0   46.7     20.1
Flickr30K   Ada-LSTM-BU   scst     baseline  90.0    63.8   16.4   49.3     22.1
Flickr30K   Ada-LSTM-BU   scst     LRP-IFT   90.0    61.9   16.5   49.2     21.9
Flickr30K   MH-FC-CNN     scst     baseline  89.9    53.3   14.5   46.5     20.5
Flickr30K   MH-FC-CNN     scst     LRP-IFT   89.7    52.7   14.2   46.0     20.0
Flickr30K   MH-FC-BU      scst     baseline  90.1    63.5   17.1   49.4     22.5
Flickr30K   MH-FC-BU      scst     LRP-IFT   90.1    63.5   17.0   49.1     22.4
Flickr30K   Ada-LSTM-CNN  ce       baseline  89.7    44.6   13.3   44.4     19.0
Flickr30K   Ada-LSTM-CNN  ce       LRP-IFT   89.6    43.5   13.1   44.0     18.9
Flickr30K   Ada-LSTM-BU   ce       baseline  90.0    53.3   15.6   47.3     21.2
Flickr30K   Ada-LSTM-BU   ce       LRP-IFT   89.9    52.2   15.6   47.0     21.2
Flickr30K   MH-FC-CNN     ce       baseline  89.7    46.5   13.7   44.8     19.4
Flickr30K   MH-FC-CNN     ce       LRP-IFT   89.6    47.3   14.1   45.6     19.8
Flickr30K   MH-FC-BU      ce       baseline  90.0    52.3   15.2   46.2     20.9
Flickr30K   MH-FC-BU      ce       LRP-IFT   89.8    52.7   15.3   46.5     21.0
MSCOCO2017  Ada-LSTM-CNN  scst     baseline  91.7    107.1  19.5   54.2     26.1
MSCOCO2017  Ada-LSTM-CNN  scst     LRP-IFT   91.2    106.8  19.2   54.0     26.0
MSCOCO2017  Ada-LSTM-BU   scst     baseline  91.0    111.6  19.2   55.3     25.9
MSCOCO2017  Ada-LSTM-BU   scst     LRP-IFT   91.0    111.1  19.3   55.2     25.9
MSCOCO2017  MH-FC-CNN     scst     baseline  91.1    108.8  20.1   54.6     26.5
MSCOCO2017  MH-FC-CNN     scst     LRP-IFT   91.0    107.5  20.1   54.3     26.3
MSCOCO2017  MH-FC-BU      scst     baseline  91.3    120.9  21.8   56.6     28.1
MSCOCO2017  MH-FC-BU      scst     LRP-IFT   91.3    120.8  21.9   56.7     28.1
MSCOCO2017  Ada-LSTM-CNN  ce       baseline  91.7    96.2   18.1   52.9     25.1
MSCOCO2017  Ada-LSTM-CNN  ce       LRP-IFT   91.5    92.3   18.0   52.1     24.9
MSCOCO2017  Ada-LSTM-BU   ce       baseline  91.9    107.4  19.8   54.9     26.9
MSCOCO2017  Ada-LSTM-BU   ce       LRP-IFT   91.7    103.0  19.6   54.1     26.3
MSCOCO2017  MH-FC-CNN     ce       baseline  90.7    97.1   18.8   53.1     25.5
MSCOCO2017  MH-FC-CNN     ce       LRP-IFT   90.7    97.2   18.8   53.0     25.4
MSCOCO2017  MH-FC-BU      ce       baseline  91.8    105.8  19.9   54.7     26.7
MSCOCO2017  MH-FC-BU      ce       LRP-IFT   91.8    105.7  19.9   54.6     26.6
"""

_TABLE_5 = """
dataset     model         trained  improved  degraded
Flickr30K   Ada-LSTM-CNN  scst     26.1      35.2
Flickr30K   Ada-LSTM-BU   scst     30.1      31.4
Flickr30K   MH-FC-CNN     scst     29.3      31.4
Flickr30K   MH-FC-BU      scst     29.3      29.7
Flickr30K   Ada-LSTM-CNN  ce       34.4      28.5
Flickr30K   Ada-LSTM-BU   ce       31.7      28.1
Flickr30K   MH-FC-CNN     ce       29.4      30.6
Flickr30K   MH-FC-BU      ce       22.6      35.9
MSCOCO2017  Ada-LSTM-CNN  scst     123.7     134.0
MSCOCO2017  Ada-LSTM-BU   scst     130.8     134.7
MSCOCO2017  MH-FC-CNN     scst     124.4     132.8
MSCOCO2017  MH-FC-BU      scst     118.7     139.0
MSCOCO2017  Ada-LSTM-CNN  ce       124.4     137.0
MSCOCO2017  Ada-LSTM-BU   ce       119.0     150.6
MSCOCO2017  MH-FC-CNN     ce       128.0     142.6
MSCOCO2017  MH-FC-BU      ce       124.7     148.5
"""

_TABLES: Mapping[int, str] = {1: _TABLE_1, 2: _TABLE_2, 3: _TABLE_3, 4: _TABLE_4, 5: _TABLE_5}


def paper_table(number: int) -> pd.DataFrame:
    """A table of the paper, one row for each model (in Table 2: for each statistic).

    Columns `dataset`, `model` (with its features: CNN or bottom-up), `trained` (only cross-entropy, "ce", or followed
    by SCST), `tuned` (in Table 4: the LRP-inference fine-tuned model or its baseline), then the numbers; nan
    where the paper has a dash.

    Args:
      number: 1 caption metrics, 2 AUC of true against false mentions by explanation method, 3 precision of the
        frequent object words, 4 caption metrics of fine-tuned models, 5 mean count of the rarest words in the
        references of images that got better or worse.

    Raises:
      ValueError: the paper has no such table.
    """
    if number not in _TABLES:
        raise ValueError(f"got table {number!r}, wanted one of {', '.join(map(str, _TABLES))}")
    return pd.read_csv(io.StringIO(_TABLES[number].strip()), sep=r"\s+", na_values=["–"])
