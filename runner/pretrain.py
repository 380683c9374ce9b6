"""Pre-train a suite of small checkpoints in the hub's layout, once.

    python -m runner pretrain --suite demo

Pythia's recipe at another scale (Biderman et al. 2023, arXiv 2304.01373): GPT-NeoX from transformers, AdamW
with betas (0.9, 0.95), warm-up then cosine decay to a tenth, gradients clipped at 1, every size on the same
data in the same order; saved at step 0 (the random initialisation) and at the suite's steps.
"""

import json
import math
import shutil
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from tqdm import tqdm
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, PreTrainedTokenizerFast
from transformers.utils import logging

from runner import datasets
from runner.checkpoints import suite_folder
from runner.finetune import mean_loss, token_losses
from runner.study import Size, Splits, Suite
from runner.tokens import END_OF_TEXT, Tokens, kept_documents, tokenised

SPLITS = Splits(validation=64, heldout=256)


def train_tokenizer(suite: Suite, cache: Path) -> Path:
    """The suite's tokenizer.json: byte-level BPE learnt from the suite's own text, made once."""
    folder = suite_folder(suite, cache) / "tokenizer"
    if not folder.is_dir():
        partial = folder.with_name("tokenizer.partial")
        shutil.rmtree(partial, ignore_errors=True)
        bpe = Tokenizer(models.BPE())
        bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        bpe.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=suite.vocabulary,
            special_tokens=[END_OF_TEXT],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        documents, _ = kept_documents(datasets.get(suite.text))
        bpe.train_from_iterator((d.text for d in documents), trainer)
        fast = PreTrainedTokenizerFast(
            tokenizer_object=bpe,
            eos_token=END_OF_TEXT,
            bos_token=END_OF_TEXT,
            unk_token=END_OF_TEXT,
            model_max_length=suite.context,
        )
        fast.save_pretrained(partial)
        partial.rename(folder)
    return folder / "tokenizer.json"


def text_of(suite: Suite, cache: Path) -> Tokens:
    """The suite's pre-training text as data points of its context."""
    return tokenised(datasets.get(suite.text), train_tokenizer(suite, cache), suite.context, SPLITS, cache)


def pretrain(suite: Suite, cache: Path) -> None:
    """Train every size of the suite that is not there yet; a size appears whole or not at all."""
    tokens = text_of(suite, cache)
    for name, size in suite.models.items():
        folder = suite_folder(suite, cache) / name
        if not folder.is_dir():
            partial = folder.with_name(f"{name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            _train(suite, name, size, tokens, partial)
            partial.rename(folder)


def _train(suite: Suite, name: str, size: Size, tokens: Tokens, folder: Path) -> None:
    logging.disable_progress_bar()  # of a few megabytes a checkpoint
    torch.manual_seed(suite.seed)
    torch.set_num_threads(suite.threads)
    accelerator = Accelerator()
    bare = GPTNeoXForCausalLM(_config(suite, size))
    optimiser = torch.optim.AdamW(
        bare.parameters(),
        lr=suite.learning_rate,
        betas=(0.9, 0.95),
        weight_decay=suite.weight_decay,
        fused=True,
    )
    last = max(suite.steps)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, suite.warmup, last))
    model, optimiser = accelerator.prepare(bare, optimiser)
    order = _order(len(tokens.train), last * suite.batch, suite.seed)
    heldout_losses: dict[str, float] = {}
    with tqdm(total=last, desc=f"pre-training {suite.suite}-{name}", unit="step") as progress:
        for step in range(last + 1):
            if step in suite.steps:
                heldout_losses[f"step{step}"] = mean_loss(model, tokens.heldout, 64, accelerator)
                _save(bare, folder / f"step{step}", folder.parent / "tokenizer")
                progress.set_postfix_str(f"held-out loss {heldout_losses[f'step{step}']:.3f}")
            if step == last:
                break
            model.train()
            points = tokens.train[np.sort(order[step * suite.batch : (step + 1) * suite.batch])]
            batch = torch.from_numpy(points.astype(np.int64)).to(accelerator.device)
            loss = token_losses(model, batch).mean()
            if not torch.isfinite(loss):
                raise FloatingPointError(
                    f"pre-training {suite.suite}-{name}: the loss at step {step} is not finite"
                )
            accelerator.backward(loss)
            accelerator.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            optimiser.zero_grad()
            progress.update()
    (folder / "heldout_losses.json").write_text(json.dumps(heldout_losses, indent=1))


def _config(suite: Suite, size: Size) -> GPTNeoXConfig:
    return GPTNeoXConfig(
        vocab_size=suite.vocabulary,
        hidden_size=size.hidden,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        intermediate_size=4 * size.hidden,
        max_position_embeddings=suite.context,
        use_parallel_residual=True,
        bos_token_id=0,
        eos_token_id=0,
        use_cache=False,
    )


def _rate(step: int, warmup: int, last: int) -> float:
    if step < warmup:
        return (step + 1) / warmup
    done = (step - warmup) / max(1, last - warmup)
    return 0.1 + 0.9 * (1 + math.cos(math.pi * min(1.0, done))) / 2


def _order(points: int, wanted: int, seed: int) -> np.ndarray:
    """Indices of `wanted` data points: a shuffle of all, and another where one does not suffice."""
    random = np.random.Generator(np.random.PCG64(seed))
    return np.concatenate([random.permutation(points) for _ in range(-(-wanted // points))])[:wanted]


def _save(model: GPTNeoXForCausalLM, folder: Path, tokenizer: Path) -> None:
    model.save_pretrained(folder)
    for file in tokenizer.iterdir():
        shutil.copy(file, folder / file.name)
