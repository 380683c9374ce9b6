"""How it was done."""

import json

import pandas as pd

from report import phrases
from report.numerals import count, fixed, power_of_ten, significant
from report.phrases import Rows, flowed


def models(rows: Rows) -> str:
    """Which models were pre-trained, how far, and what that bought on their own text."""
    facts = phrases.facts(rows)
    of_study = rows["study_models"]
    if facts.simulated:
        return flowed(
            f"""Nothing was trained. The study's grid has {phrases.steps(rows)}, and its losses were drawn
            from the law."""
        )
    if phrases.imported(rows):
        return f"The runs were made elsewhere, from {phrases.steps(rows)}; of models no more is known here."
    if of_study.empty:
        return "No checkpoint has been recorded yet: the sweep records each as it first uses it."
    own = {f"{m['suite']}-{m['size']}" for m in json.loads(facts.declaration)["models"] if m.get("suite")}
    sentences = []
    for model in of_study.itertuples():
        architecture = ", of Pythia's architecture\\ [@biderman2023]," if model.model in own else ""
        sentences.append(
            f"""The model *{model.model}*{architecture} has {phrases.millions(model.n_params)} parameters,
            {phrases.millions(model.n_params_non_embedding)} of them outside the embeddings."""
        )
        steps = json.loads(model.steps)
        if pd.notna(model.tokens_per_step):
            sentences.append(
                f"""A step of its pre-training is one optimiser step on {count(model.tokens_per_step)} tokens,
                and its checkpoints stand at {phrases.list_of(steps)} steps."""
            )
        first, last = model.first_heldout_loss, model.last_heldout_loss
        if pd.notna(first) and pd.notna(last) and len(steps) > 1:
            sentences.append(
                f"""From the first to the last, the loss on held-out text of the kind it was pre-trained on
                {"falls" if last < first else "goes"} from {fixed(first, 2)} to {fixed(last, 2)} nats per
                token."""
            )
    return flowed(" ".join(sentences))


def datasets(rows: Rows) -> str:
    """How text became data points."""
    table = rows["table_datasets"]
    if phrases.imported(rows):
        return f"Of {phrases.dataset_names(rows)} no more is known here than the name (@tbl-datasets)."
    if table.empty:
        return "No dataset has been recorded yet: the sweep records each as it first uses it."
    datasets = phrases.number_of(table["dataset"].nunique(), "dataset")
    if phrases.facts(rows).simulated:
        return f"@tbl-datasets lists the {datasets} that the losses stand for."
    dropped = int(table["duplicates_dropped"].sum())
    without = f", without {phrases.number_of(dropped, 'document')} that repeated another" if dropped else ""
    return flowed(
        f"""@tbl-datasets lists the {datasets}{without}. Each is cut by the model's tokenizer into *data
        points* of {count(phrases.facts(rows).context)} tokens and split by document; the splits are the same
        for every run."""
    )


def fine_tuning(rows: Rows) -> str:
    """The hyper-parameters, as the study declares them, and how a run ends."""
    facts = phrases.facts(rows)
    if facts.simulated:
        return f"No run was trained. {phrases.grid(rows)}"
    if phrases.imported(rows):
        return f"How the runs were trained is not known here. {phrases.grid(rows)}"
    declared = json.loads(facts.declaration)
    training = declared["training"]
    first, second = training["betas"]
    repeated = (
        f"run with {count(len(declared['seeds']))} seeds, whose losses are averaged"
        if len(declared["seeds"]) > 1
        else "run with one seed"
    )
    return flowed(
        rf"""Each run trains all parameters of one checkpoint with AdamW\ [@loshchilov2019] at a constant
        learning rate of {power_of_ten(training["learning_rate"], 1)}, in batches of
        {count(training["batch"])} data points ($\beta_1 = {first}$, $\beta_2 = {second}$, $\epsilon =$
        {power_of_ten(training["eps"], 1)}, weight decay {significant(training["weight_decay"], 2)}). It stops
        once the validation loss has not fallen for {count(training["patience"])} epochs, or after
        {count(training["max_epochs"])}, and its best epoch is kept. The loss reported is that of a separate
        held-out split, since the loss of the split that chose the epoch would flatter small subsets. Subsets
        are nested: a larger one contains the smaller ones of its seed. Every cell of the grid is {repeated}.
        {phrases.grid(rows)}"""
    )


def fitting(rows: Rows) -> str:
    """The threshold of the Huber loss, the window, the starts and the bootstrap, as the fits record them."""
    facts = phrases.facts(rows)
    outside = int((~rows["figure_losses"]["in_fit"]).sum())
    window = f"""The law is fitted to the experiments from {phrases.number_of(facts.fit_min_steps, "step")} of
        pre-training on{f"; the other {count(outside)} are hollow in the figures" if outside else ""}."""
    fits = phrases.fits(rows)
    if fits.empty:
        return flowed(window)
    first = fits.iloc[0]
    unit = (
        "checkpoints, each with all its experiments," if first["resample"] == "checkpoints" else "experiments"
    )
    return flowed(
        rf"""Here $\delta =$ {power_of_ten(first.delta, 1)}. {window} The minimum is sought from
        {count(first.starts)} starts on a grid. Standard errors and percentile intervals come from
        {count(first.replicates)} bootstrap replicates\ [@efron1993], each of which draws as many of the
        dataset's {unit} with replacement and seeks its minimum anew."""
    )
