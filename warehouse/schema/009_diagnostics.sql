-- Version 9: what speaks for and against a fit besides its credentials.

create table analysis.residuals (
    fit_id varchar not null,
    pretrain_steps double not null,
    data_points double not null,
    loss double not null,
    fitted double not null,
    residual double not null,
    normal_quantile double not null,
    deleted_residual double,
    influence double
);
comment on table analysis.residuals is 'One row per fit and experiment fitted.';
comment on column analysis.residuals.fit_id is 'Identity of the fit.';
comment on column analysis.residuals.pretrain_steps is 'Optimiser steps of pre-training.';
comment on column analysis.residuals.data_points is 'Fine-tuning data points.';
comment on column analysis.residuals.loss is 'Measured loss, nats per token.';
comment on column analysis.residuals.fitted is 'Fitted loss, nats per token.';
comment on column analysis.residuals.residual is 'Logarithm of the measured loss less that of the fitted one.';
comment on column analysis.residuals.normal_quantile is 'Quantile of the standard normal distribution at the residual''s rank.';
comment on column analysis.residuals.deleted_residual is 'The residual to the law fitted to all other experiments; null where they are too few or too many.';
comment on column analysis.residuals.influence is 'Cook''s distance, from that fit: by how much all fitted log losses move, squared and summed, in units of the number of parameters times the residual variance; null likewise.';

create table analysis.diagnostics (
    fit_id varchar not null,
    diagnostic varchar not null,
    statistic double not null,
    p_value double
);
comment on table analysis.diagnostics is 'One row per fit and number that describes its residuals.';
comment on column analysis.diagnostics.fit_id is 'Identity of the fit.';
comment on column analysis.diagnostics.diagnostic is 'heteroscedasticity (Breusch-Pagan), normality (Jarque-Bera), skewness, kurtosis; clustering by p or f (intraclass correlation).';
comment on column analysis.diagnostics.statistic is 'Its value.';
comment on column analysis.diagnostics.p_value is 'Probability of a value as large were the residuals even, normal or independent; null where it is no test.';

create table analysis.profiles (
    fit_id varchar not null,
    parameter varchar not null,
    value double not null,
    deviance double not null,
    cut double not null
);
comment on table analysis.profiles is 'One row per fit, parameter that can be held, and value at which it was held, natural units.';
comment on column analysis.profiles.fit_id is 'Identity of the fit.';
comment on column analysis.profiles.parameter is 'Symbol of the parameter.';
comment on column analysis.profiles.value is 'The value at which it was held, the others fitted again.';
comment on column analysis.profiles.deviance is 'Twice the rise of the negative log likelihood over its optimum.';
comment on column analysis.profiles.cut is 'The deviance where the 95 % interval ends: the 95 % quantile in resamples, never below that of chi-squared.';

create table analysis.extrapolations (
    fit_id varchar not null,
    max_steps double not null,
    max_data_points double not null,
    n_train bigint not null,
    pretrain_steps double not null,
    data_points double not null,
    loss double not null,
    predicted double not null,
    lower double not null,
    upper double not null
);
comment on table analysis.extrapolations is 'One row per fit and experiment above the medians of both variables, as the law fitted at or below both predicts it.';
comment on column analysis.extrapolations.fit_id is 'Identity of the fit.';
comment on column analysis.extrapolations.max_steps is 'Most pre-training steps fitted: the median of the fit''s.';
comment on column analysis.extrapolations.max_data_points is 'Most data points fitted: the median of the fit''s.';
comment on column analysis.extrapolations.n_train is 'Experiments fitted, at or below both medians.';
comment on column analysis.extrapolations.pretrain_steps is 'Optimiser steps of pre-training of the experiment held out.';
comment on column analysis.extrapolations.data_points is 'Fine-tuning data points of the experiment held out.';
comment on column analysis.extrapolations.loss is 'Its measured loss, nats per token.';
comment on column analysis.extrapolations.predicted is 'Its predicted loss, nats per token.';
comment on column analysis.extrapolations.lower is '2.5 % percentile of the prediction over replicates, nats per token.';
comment on column analysis.extrapolations.upper is '97.5 % percentile of the prediction over replicates, nats per token.';

create table analysis.conditions (
    fit_id varchar not null,
    condition varchar not null,
    quantity varchar not null,
    estimate double not null,
    lower double not null,
    upper double not null,
    n bigint not null
);
comment on table analysis.conditions is 'One row per fit, condition of Barnett 2024, appendix A, and difference that it says is zero.';
comment on column analysis.conditions.fit_id is 'Identity of the fit.';
comment on column analysis.conditions.condition is 'f to infinity, p to infinity, p at zero or f at zero.';
comment on column analysis.conditions.quantity is 'The difference; losses and floors in nats per token, exponents without a unit.';
comment on column analysis.conditions.estimate is 'Its estimate.';
comment on column analysis.conditions.lower is '2.5 % percentile over replicates.';
comment on column analysis.conditions.upper is '97.5 % percentile over replicates.';
comment on column analysis.conditions.n is 'Losses that it is estimated from.';
