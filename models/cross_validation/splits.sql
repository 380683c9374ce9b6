with fitted as (
    select * from {{ ref('experiments') }}
    where in_fit
),

steps as (
    select distinct study, dataset, model, method, pretrain_steps
    from fitted
),

sizes as (
    select distinct study, dataset, model, method, data_points
    from fitted
),

thresholds as (
    select
        steps.*,
        sizes.data_points,
        count(fitted.loss) as n
    from steps
    inner join sizes using (study, dataset, model, method)
    left join fitted using (study, dataset, model, method, pretrain_steps, data_points)
    group by all
),

-- Running sums along both thresholds instead of a join of every pair with every experiment: linear, not quadratic.
at_step as (
    select
        *,
        sum(n) over (
            partition by study, dataset, model, method, pretrain_steps order by data_points
        ) as n_up_to_size
    from thresholds
),

counted as (
    select
        *,
        sum(n_up_to_size) over (
            partition by study, dataset, model, method, data_points order by pretrain_steps
        ) as n_train,
        sum(n) over (partition by study, dataset, model, method) as n_all
    from at_step
),

final as (
    select
        study,
        dataset,
        model,
        method,
        row_number() over (
            partition by study, dataset, model, method order by pretrain_steps, data_points
        ) as split,
        pretrain_steps as max_steps,
        data_points as max_data_points,
        n_train::bigint as n_train,
        (n_all - n_train)::bigint as n_test
    from counted
    where n_train > 0 and n_all > n_train
)

select * from final
