"""Pre-train a suite of small checkpoints in the hub's layout, and go on where it was left.

    python -m runner pretrain --suite demo

Pythia's recipe at another scale (Biderman et al. 2023, arXiv 2304.01373): GPT-NeoX from transformers, AdamW
with betas (0.9, 0.95), warm-up then cosine decay to a tenth, gradients clipped at 1, every size on the same
data in the same order; saved at step 0 (the random initialisation) and at the suite's steps. Beside them lies
the latest state of the training (weights and optimiser), from which an interrupted one, or one whose suite
was given more steps, goes on to the weights that it would have had unbroken.
"""

import json
import math
import shutil
import time
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from tqdm import tqdm
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, PreTrainedTokenizerFast
from transformers.utils import logging

from runner import datasets
from runner.checkpoints import CheckpointError, size_folder, suite_tokenizer
from runner.finetune import mean_loss, token_losses
from runner.study import Size, Splits, Suite
from runner.tokens import END_OF_TEXT, Tokens, kept_documents, tokenised

SPLITS = Splits(validation=64, heldout=256)
STATE_EVERY_S = 300.0  # what an interruption costs at most


def train_tokenizer(suite: Suite, cache: Path) -> Path:
    """The suite's tokenizer.json: byte-level BPE learnt from the suite's own text, made once."""
    file = suite_tokenizer(suite, cache)
    folder = file.parent
    if not folder.is_dir():
        partial = folder.with_name(folder.name + ".partial")
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
    return file


def text_of(suite: Suite, cache: Path) -> Tokens:
    """The suite's pre-training text as data points of its context."""
    return tokenised(datasets.get(suite.text), train_tokenizer(suite, cache), suite.context, SPLITS, cache)


def pretrain(suite: Suite, cache: Path) -> None:
    """Train every size of the suite to its last step, from where it is; a checkpoint appears whole or not."""
    tokens = text_of(suite, cache)
    for name in suite.models:
        folder = size_folder(suite, name, cache)
        if not all((folder / f"step{step}").is_dir() for step in suite.steps):
            _train(suite, name, tokens, folder, suite_tokenizer(suite, cache).parent)


def _train(suite: Suite, name: str, tokens: Tokens, folder: Path, tokenizer: Path) -> None:
    logging.disable_progress_bar()  # of a few megabytes a checkpoint
    torch.manual_seed(suite.seed)
    torch.set_num_threads(suite.threads)
    accelerator = Accelerator()
    bare = GPTNeoXForCausalLM(_config(suite, suite.models[name]))
    optimiser = torch.optim.AdamW(
        bare.parameters(),
        lr=suite.learning_rate,
        betas=(0.9, 0.95),
        weight_decay=suite.weight_decay,
        fused=True,
    )
    model, optimiser = accelerator.prepare(bare, optimiser)
    wanted = {step for step in suite.steps if not (folder / f"step{step}").is_dir()}
    last = max(wanted)
    first, kept = _restored(folder / "state.pt", min(wanted), bare, optimiser)
    order = _order(len(tokens.train), last * suite.batch, suite.seed)
    saved_at = time.monotonic()
    with tqdm(total=last, initial=first, desc=f"pre-training {suite.suite}-{name}", unit="step") as progress:
        for step in range(first, last + 1):
            if step in wanted:
                heldout_loss = mean_loss(model, tokens.heldout, 64, accelerator)
                _save(bare, folder / f"step{step}", tokenizer, heldout_loss)
                progress.set_postfix_str(f"held-out loss {heldout_loss:.3f}")
            if step > kept and (step in wanted or time.monotonic() - saved_at > STATE_EVERY_S):
                _save_state(folder / "state.pt", step, bare, optimiser)
                saved_at = time.monotonic()
            if step == last:
                break
            model.train()
            points = tokens.train[np.sort(order[step * suite.batch : (step + 1) * suite.batch])]
            batch = torch.from_numpy(points.astype(np.int64)).to(accelerator.device)
            loss = token_losses(model, batch).mean()
            if not torch.isfinite(loss):
                raise CheckpointError(
                    f"pre-training {suite.suite}-{name}: the loss at step {step} is not finite"
                )
            accelerator.backward(loss)
            accelerator.clip_grad_norm_(model.parameters(), 1.0)
            for group in optimiser.param_groups:
                group["lr"] = suite.learning_rate * _rate(step, suite.warmup, suite.decay)
            optimiser.step()
            optimiser.zero_grad()
            progress.update()


def _restored(
    state: Path, wanted: int, model: GPTNeoXForCausalLM, optimiser: torch.optim.Optimizer
) -> tuple[int, int]:
    """The step to go on from and that of the state kept, which is taken up unless it is past `wanted`."""
    if not state.is_file():
        return 0, -1
    kept = torch.load(state, map_location="cpu", weights_only=True)
    if kept["step"] > wanted:
        return 0, int(kept["step"])
    model.load_state_dict(kept["model"])
    optimiser.load_state_dict(kept["optimiser"])
    return int(kept["step"]), int(kept["step"])


def _save_state(state: Path, step: int, model: GPTNeoXForCausalLM, optimiser: torch.optim.Optimizer) -> None:
    state.parent.mkdir(parents=True, exist_ok=True)
    partial = state.with_name(state.name + ".partial")
    torch.save({"step": step, "model": model.state_dict(), "optimiser": optimiser.state_dict()}, partial)
    partial.rename(state)


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


def _save(model: GPTNeoXForCausalLM, folder: Path, tokenizer: Path, heldout_loss: float) -> None:
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    model.save_pretrained(partial)
    for file in tokenizer.iterdir():
        shutil.copy(file, partial / file.name)
    (partial / "heldout_loss.json").write_text(json.dumps(heldout_loss))
    partial.rename(folder)
