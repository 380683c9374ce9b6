-- Version 5: what a split says beyond both its thresholds, its extrapolation.

-- Scores can be computed again; those of before have none of this, and count splits that no law can be fitted to.
delete from analysis.cv_scores;
alter table analysis.cv_scores add column max_steps bigint;
alter table analysis.cv_scores add column max_data_points bigint;
alter table analysis.cv_scores add column n_beyond bigint;
alter table analysis.cv_scores add column bias_beyond double;
alter table analysis.cv_scores add column rmse_beyond double;
alter table analysis.cv_scores add column mae_beyond double;
comment on table analysis.cv_scores is 'One row per study, dataset, model, method, law, split that the law can be fitted to, and regularisation: the errors on the split''s test experiments of the law fitted to its training ones.';
comment on column analysis.cv_scores.max_steps is 'Most pre-training steps that the split trains on.';
comment on column analysis.cv_scores.max_data_points is 'Most data points that the split trains on.';
comment on column analysis.cv_scores.n_beyond is 'Experiments above both thresholds; they are among those tested on.';
comment on column analysis.cv_scores.bias_beyond is 'Mean of predicted less measured loss on the experiments above both thresholds, nats per token; null where there are none, or a prediction is not finite.';
comment on column analysis.cv_scores.rmse_beyond is 'Root mean squared error on them, nats per token; null likewise.';
comment on column analysis.cv_scores.mae_beyond is 'Mean absolute error on them, nats per token; null likewise.';
