-- Version 2: what the analysis decides from the laws.

create table analysis.allocations (
    fit_id varchar not null,
    question varchar not null,
    cost_step double not null,
    cost_point double not null,
    budget double,
    target_loss double,
    gap double,
    pretrain_steps double,
    data_points double,
    share double,
    share_lower double,
    share_upper double,
    loss double,
    loss_lower double,
    loss_upper double,
    cost double,
    cost_lower double,
    cost_upper double,
    reached double not null,
    extrapolated boolean not null,
    made_at timestamptz not null
);
comment on table analysis.allocations is 'One row per fit, question, costs, budget or loss, and gap: the best number of pre-training steps and data points, each replicate with an optimum of its own.';
comment on column analysis.allocations.fit_id is 'Identity of the fit.';
comment on column analysis.allocations.question is 'budget: the least loss for a budget; loss: the least cost of a loss; gap, cost ratio: the first, were the gap or the cost of a data point another.';
comment on column analysis.allocations.cost_step is 'Cost of one pre-training step, in the unit of the budget.';
comment on column analysis.allocations.cost_point is 'Cost of one fine-tuning data point, in the unit of the budget.';
comment on column analysis.allocations.budget is 'What may be spent; null where a loss is asked for.';
comment on column analysis.allocations.target_loss is 'The loss asked for, nats per token; null where a budget is given.';
comment on column analysis.allocations.gap is 'The transfer gap assumed, nats·point^β; null where it is the fit''s own.';
comment on column analysis.allocations.pretrain_steps is 'Optimiser steps of pre-training; null where the loss is not reachable.';
comment on column analysis.allocations.data_points is 'Fine-tuning data points; null where the loss is not reachable.';
comment on column analysis.allocations.share is 'Share of the cost that fine-tuning data take.';
comment on column analysis.allocations.share_lower is '2.5 % percentile of the share over bootstrap replicates.';
comment on column analysis.allocations.share_upper is '97.5 % percentile of the share over bootstrap replicates.';
comment on column analysis.allocations.loss is 'The law there, nats per token.';
comment on column analysis.allocations.loss_lower is '2.5 % percentile of the loss, each replicate at its own optimum, nats per token.';
comment on column analysis.allocations.loss_upper is '97.5 % percentile of the loss, each replicate at its own optimum, nats per token.';
comment on column analysis.allocations.cost is 'What is spent.';
comment on column analysis.allocations.cost_lower is '2.5 % percentile of the cost over bootstrap replicates.';
comment on column analysis.allocations.cost_upper is '97.5 % percentile of the cost; infinity where those replicates never reach the loss.';
comment on column analysis.allocations.reached is 'Share of the bootstrap replicates that reach the loss; 1 for a budget.';
comment on column analysis.allocations.extrapolated is 'Whether the optimum lies outside the steps and data points that were fitted.';
comment on column analysis.allocations.made_at is 'When it was computed.';

comment on column analysis.fits.mean_absolute_error is 'Mean absolute residual, nats per token; tokens where the law is effective-data.';
comment on column analysis.fits.model is 'Name of the model; of all its models, joined by commas, where the law is effective-data.';
comment on column analysis.parameters.standard_error is 'Standard deviation over bootstrap replicates; cluster-robust where the interval is.';
comment on column analysis.parameters.interval_method is 'How the interval was made: percentile, bca, profile or cluster-robust.';
