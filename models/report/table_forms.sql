with scores as (
    select * from {{ ref('stg_cv_scores') }}
),

published as (
    select * from {{ ref('barnett2024_table5') }}
),

inputs as (
    select * from {{ ref('fit_inputs') }}
),

experiments as (
    select * from {{ ref('experiments') }}
    where in_fit
),

positions as (
    select distinct study, dataset, position
    from {{ ref('stg_study_panels') }}
),

of_forms as (
    select
        scores.*,
        published.form,
        count(distinct law) over (partition by study, dataset, model, method, input_fingerprint, delta) as forms
    from scores
    left join published using (law)
),

-- Forms are compared on the same experiments and splits: those that every scored form could be fitted to.
common as (
    select study, dataset, model, method, input_fingerprint, delta, split
    from of_forms
    group by study, dataset, model, method, input_fingerprint, delta, split
    having count(distinct law) = any_value(forms)
),

pooled as (
    select
        study, dataset, model, method, form, law, input_fingerprint, delta,
        penalty_exponents, penalty_coefficients,
        count(*) as splits,
        sum(n_test)::bigint as n_tests,
        sqrt(sum(n_test * rmse * rmse order by split) / sum(n_test)) as rmse,
        sum(n_test * mae order by split) / sum(n_test) as mae,
        -- A sum over splits skips those where a prediction is no number: such a regularisation is out.
        count(*) > count(rmse) as unbounded
    from of_forms
    semi join common using (study, dataset, model, method, input_fingerprint, delta, split)
    group by all
),

-- Of equal scores, the weaker penalty's.
best as (
    select
        study, dataset, model, method, form, law, input_fingerprint, delta,
        any_value(splits) as splits,
        any_value(n_tests) as n_tests,
        count(*) as regularisations,
        count_if(unbounded)::bigint as unbounded,
        min(rmse) filter (not unbounded) as rmse,
        arg_min(penalty_exponents, (rmse, penalty_exponents, penalty_coefficients))
            filter (not unbounded) as rmse_penalty_exponents,
        arg_min(penalty_coefficients, (rmse, penalty_exponents, penalty_coefficients))
            filter (not unbounded) as rmse_penalty_coefficients,
        min(mae) filter (not unbounded) as mae,
        arg_min(penalty_exponents, (mae, penalty_exponents, penalty_coefficients))
            filter (not unbounded) as mae_penalty_exponents,
        arg_min(penalty_coefficients, (mae, penalty_exponents, penalty_coefficients))
            filter (not unbounded) as mae_penalty_coefficients
    from pooled
    group by all
),

fitted as (
    select
        study, dataset, model, method, law,
        count(distinct split) as splits_fitted,
        max(made_at) as made_at
    from of_forms
    group by all
),

medians as (
    select
        study, dataset, model, method,
        quantile_disc(distinct pretrain_steps, 0.5) as max_steps,
        quantile_disc(distinct data_points, 0.5) as max_data_points
    from experiments
    group by all
),

-- Held out: fitted without penalty to the smaller half of the steps and of the sizes, tested on the larger of both.
extrapolated as (
    select
        of_forms.study, of_forms.dataset, of_forms.model, of_forms.method, of_forms.law,
        of_forms.max_steps, of_forms.max_data_points,
        of_forms.n_train, of_forms.n_beyond,
        of_forms.bias_beyond, of_forms.rmse_beyond, of_forms.mae_beyond
    from of_forms
    inner join medians using (study, dataset, model, method, max_steps, max_data_points)
    where of_forms.penalty_exponents = 0 and of_forms.penalty_coefficients = 0
),

final as (
    select
        best.study,
        positions.position,
        best.dataset,
        best.model,
        best.method,
        best.form,
        best.law,
        best.delta,
        best.splits,
        fitted.splits_fitted,
        best.n_tests,
        best.regularisations,
        best.unbounded,
        best.rmse,
        best.rmse_penalty_exponents,
        best.rmse_penalty_coefficients,
        best.mae,
        best.mae_penalty_exponents,
        best.mae_penalty_coefficients,
        extrapolated.max_steps as extrapolated_from_steps,
        extrapolated.max_data_points as extrapolated_from_data_points,
        extrapolated.n_train as n_extrapolated_from,
        extrapolated.n_beyond as n_extrapolated,
        extrapolated.bias_beyond as bias_extrapolated,
        extrapolated.rmse_beyond as rmse_extrapolated,
        extrapolated.mae_beyond as mae_extrapolated,
        published.rmse as published_rmse,
        published.mae as published_mae,
        fitted.made_at,
        best.input_fingerprint is distinct from inputs.fingerprint as stale
    from best
    inner join fitted using (study, dataset, model, method, law)
    left join published using (law)
    left join extrapolated using (study, dataset, model, method, law)
    left join inputs using (study, dataset, model, method)
    left join positions using (study, dataset)
)

select * from final
