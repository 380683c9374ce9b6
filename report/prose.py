"""The report's paragraphs that depend on the study: each function takes a study's rows and returns Markdown.

Every number comes from a row, and a sentence that could be false of another study is chosen by the data.
"""

import json
from collections.abc import Mapping

import pandas as pd

from report import phrases
from report.numerals import count, duration, fixed, listed, percent, power_of_ten, significant

Rows = Mapping[str, pd.DataFrame]


def notice(rows: Rows) -> str:
    """What comes before all else: that a study is simulated, that runs are lacking, that fits are stale."""
    facts = phrases.facts(rows)
    boxes = []
    if facts.simulated:
        boxes.append(
            ("warning", "Simulated", "No model was trained: the losses were drawn from the law, with noise.")
        )
    if facts.failed or facts.missing:
        lacking = {"have failed": facts.failed, "are missing": facts.missing}
        text = f"""Of the study's {count(facts.wanted)} runs,
            {listed([f"{count(n)} {state}" for state, n in lacking.items() if n])}. What follows rests on the
            {count(facts.ok)} that succeeded."""
        boxes.append(("note", "Incomplete", text))
    if stale := phrases.stale(rows):
        text = f"""The runs on {listed(stale)} have changed since the law was fitted to them:
            `python -m analysis fit` fits it again."""
        boxes.append(("note", "Stale", text))
    return "\n\n".join(
        f'::: {{.callout-{kind} title="{title}" icon=false}}\n{_flowed(text)}\n:::'
        for kind, title, text in boxes
    )


def abstract(rows: Rows) -> str:
    """The study in one paragraph: what was done, how well the law fits, what it says."""
    facts = phrases.facts(rows)
    grid = f"{phrases.dataset_names(rows)} with {phrases.sizes(rows)}"
    if facts.simulated:
        opening = f"""The study *{facts.study}* is simulated: {count(facts.ok)} losses were drawn from the law
            of transfer, for {phrases.steps(rows)} and {grid}."""
    else:
        opening = f"""How much is pre-training on one text worth on another? We fine-tune
            {phrases.models(rows)} from {phrases.steps(rows)} to convergence on {grid}:
            {phrases.number_of(facts.ok, "run")}, {duration(facts.wall_s)} in all."""
    if phrases.fits(rows).empty:
        return _flowed(f"{opening} No law has been fitted to the losses yet.")
    return _flowed(f"{opening} {phrases.fit_quality(rows)} {phrases.gaps(rows)} {phrases.worth(rows)}")


def models(rows: Rows) -> str:
    """Which models were pre-trained, how far, and what that bought on their own text."""
    facts = phrases.facts(rows)
    of_study = rows["study_models"]
    if facts.simulated:
        return _flowed(
            f"""Nothing was trained. The study's grid has {phrases.steps(rows)}, and its losses were drawn
            from the law."""
        )
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
    return _flowed(" ".join(sentences))


def datasets(rows: Rows) -> str:
    """How text became data points."""
    table = rows["table_datasets"]
    if table.empty:
        return "No dataset has been recorded yet: the sweep records each as it first uses it."
    datasets = phrases.number_of(table["dataset"].nunique(), "dataset")
    if phrases.facts(rows).simulated:
        return f"@tbl-datasets lists the {datasets} that the losses stand for."
    dropped = int(table["duplicates_dropped"].sum())
    without = f", without {phrases.number_of(dropped, 'document')} that repeated another" if dropped else ""
    return _flowed(
        f"""@tbl-datasets lists the {datasets}{without}. Each is cut by the model's tokenizer into *data
        points* of {count(phrases.facts(rows).context)} tokens and split by document; the splits are the same
        for every run."""
    )


def fine_tuning(rows: Rows) -> str:
    """The hyper-parameters, as the study declares them, and how a run ends."""
    facts = phrases.facts(rows)
    if facts.simulated:
        return f"No run was trained. {phrases.grid(rows)}"
    declared = json.loads(facts.declaration)
    training = declared["training"]
    first, second = training["betas"]
    repeated = (
        f"run with {count(len(declared['seeds']))} seeds, whose losses are averaged"
        if len(declared["seeds"]) > 1
        else "run with one seed"
    )
    return _flowed(
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
        return _flowed(window)
    first = fits.iloc[0]
    unit = "checkpoints, each with all its experiments," if first.resample == "checkpoints" else "experiments"
    return _flowed(
        rf"""Here $\delta =$ {power_of_ten(first.delta, 1)}. {window} The minimum is sought from
        {count(first.starts)} starts on a grid. Standard errors and percentile intervals come from
        {count(first.replicates)} bootstrap replicates\ [@efron1993], each of which draws as many of the
        dataset's {unit} with replacement and seeks its minimum anew."""
    )


def losses(rows: Rows) -> str:
    """Whether loss falls with both kinds of training, and what the random initialisation says."""
    facts = phrases.facts(rows)
    measured = rows["figure_losses"]
    if measured.empty:
        return "No run of this study has succeeded yet, so that there is no loss to show."
    sentences = ["@fig-losses shows all measured losses."]
    if facts.steps_pairs and facts.points_pairs:
        sentences.append(
            f"""Between neighbours on the grid, loss falls with more pre-training in
            {percent(facts.steps_falls / facts.steps_pairs)} of {count(facts.steps_pairs)} pairs and with more
            data in {percent(facts.points_falls / facts.points_pairs)} of {count(facts.points_pairs)}."""
        )
    sentences += [phrases.scratch(name, panel) for name, panel in phrases.panels(rows, measured)]
    return _flowed(" ".join(sentences))


def fits(rows: Rows) -> str:
    """How well the law fits, what its parameters are and which of them the data cannot tell."""
    if phrases.fits(rows).empty:
        return (
            "No law has been fitted yet; `python -m analysis fit` fills the tables and figures that follow."
        )
    sentences = [
        phrases.fit_quality(rows),
        "@tbl-parameters gives the parameters and @tbl-intervals their intervals.",
        phrases.gaps(rows),
    ]
    estimates = rows["table_parameters"]
    for status, verb in (("not identified", "do not identify"), ("at a boundary", "put at its boundary")):
        named = [
            f"{phrases.SYMBOLS[row.parameter]} on {phrases.panel_name(rows, row.dataset, row.model)}"
            for row in estimates[estimates["status"] == status].itertuples()
        ]
        if named:
            sentences.append(f"The data {verb} {listed(named)}.")
    return _flowed(" ".join(sentences))


def cross_sections(rows: Rows) -> str:
    """What the cross-sections show: the largest residual."""
    both = rows["figure_cross_sections"].query("in_fit and fitted.notna() and loss.notna()")
    if both.empty:
        return "@fig-cross-sections shows the measured losses alone, for lack of a fit."
    residual = (both["loss"] - both["fitted"]) / both["fitted"]
    worst = both.loc[residual.abs().idxmax()]
    return _flowed(
        f"""@fig-cross-sections cuts the fitted surface at a few numbers of data points. The largest residual
        of all is {percent(abs(residual[worst.name]))} of the loss: on
        {phrases.panel_name(rows, worst.dataset, worst.model)}, with {count(worst.data_points)} data points
        after {phrases.number_of(worst.pretrain_steps, "step")}, the measured loss lies
        {"above" if residual[worst.name] > 0 else "below"} the law."""
    )


def worth(rows: Rows) -> str:
    """Pre-training in units of fine-tuning data: between two steps the exchange does not depend on f."""
    known = rows["pretraining_worth"]
    if known.empty:
        return (
            "What pre-training is worth in fine-tuning data follows from a fit, of which there is none yet."
        )
    sizes = phrases.declared(rows, "data_points")
    beyond = (
        f"""The sizes measured span a factor of {significant(sizes[-1] / sizes[0], 2)}; a larger exchange is
        an extrapolation."""
        if (known["multiplier"] > sizes[-1] / sizes[0]).any()
        else ""
    )
    windows = {phrases.window(row) for row in known.itertuples()}
    ends = f", {windows.pop()}," if len(windows) == 1 else ""
    return _flowed(
        rf"""By @eq-law, pre-training for $p_2$ steps instead of $p_1$ lowers the loss as much as multiplying
        the fine-tuning data by
        $\bigl((A\,p_1^{{-\alpha}} + G) / (A\,p_2^{{-\alpha}} + G)\bigr)^{{1/\beta}}$, whatever their number.
        Between the ends of the fitted window{ends} that factor is {listed(phrases.exchanged(rows))}, with 95
        % intervals in brackets. {beyond} @fig-iso-loss draws the whole exchange."""
    )


def limits(rows: Rows) -> str:
    """What this study cannot say, by what its grid lacks."""
    facts = phrases.facts(rows)
    if facts.simulated:
        return _flowed(
            """A simulated study says nothing about texts or models. It shows whether the pipeline finds the
            law that was put in, and how well a grid and a noise like these would tell it."""
        )
    sentences = []
    if len(json.loads(facts.declaration)["seeds"]) == 1:
        sentences.append("Every cell was run with one seed, so that the scatter between seeds is not known.")
    if facts.n_models == 1:
        sentences.append("All checkpoints are of one model: how the law depends on its size is left open.")
    if facts.n_datasets == 1:
        sentences.append("With one dataset there is no comparison of transfer gaps.")
    return " ".join(sentences)


def made(rows: Rows) -> str:
    """Compute, time and provenance."""
    facts = phrases.facts(rows)
    if facts.simulated:
        return "@tbl-grid counts the losses that were drawn, and @tbl-made records what drew and fitted them."
    if not facts.ok:
        return "No run has succeeded yet."
    return _flowed(
        f"""The {phrases.number_of(facts.ok, "run")} took {power_of_ten(facts.flops)} FLOP of training, at six
        operations per parameter and token, and {duration(facts.wall_s)} of wall time, runs side by side
        counted each. @tbl-grid counts them, and @tbl-made lists what they and the fits were made with. Every
        number in this report is read from the warehouse through the dbt models of `models/report/`, and each
        loss leads by its `run_key` to the rows of `raw.runs` that it is the mean of."""
    )


def _flowed(text: str) -> str:
    return " ".join(text.split())
