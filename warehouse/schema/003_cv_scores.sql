-- Version 3: step-wise cross-validation (Barnett 2024, appendix D).

create table analysis.cv_scores (
    study varchar not null,
    dataset varchar not null,
    model varchar not null,
    method varchar not null,
    law varchar not null,
    delta double not null,
    split bigint not null,
    penalty_exponents double not null,
    penalty_coefficients double not null,
    n_train bigint not null,
    n_test bigint not null,
    rmse double,
    mae double,
    input_fingerprint varchar not null,
    made_at timestamptz not null
);
comment on table analysis.cv_scores is 'One row per study, dataset, model, method, law, split and regularisation: the errors on the split''s test experiments of the law fitted to its training ones.';
comment on column analysis.cv_scores.study is 'Name of the study.';
comment on column analysis.cv_scores.dataset is 'Name of the dataset.';
comment on column analysis.cv_scores.model is 'Name of the model.';
comment on column analysis.cv_scores.method is 'Method of fine-tuning.';
comment on column analysis.cv_scores.law is 'Name of the law in analysis/laws.py.';
comment on column analysis.cv_scores.delta is 'Huber''s delta on log residuals.';
comment on column analysis.cv_scores.split is 'Number of the split in cross_validation.splits.';
comment on column analysis.cv_scores.penalty_exponents is 'L2 penalty on exponents, added to the summed Huber divided by delta squared.';
comment on column analysis.cv_scores.penalty_coefficients is 'L2 penalty on logarithms of coefficients, likewise.';
comment on column analysis.cv_scores.n_train is 'Experiments trained on.';
comment on column analysis.cv_scores.n_test is 'Experiments tested on.';
comment on column analysis.cv_scores.rmse is 'Root mean squared error on the test experiments, nats per token; null where a prediction is not finite.';
comment on column analysis.cv_scores.mae is 'Mean absolute error on the test experiments, nats per token; null where a prediction is not finite.';
comment on column analysis.cv_scores.input_fingerprint is 'Fingerprint of the experiments (model fit_inputs).';
comment on column analysis.cv_scores.made_at is 'When it was computed.';
