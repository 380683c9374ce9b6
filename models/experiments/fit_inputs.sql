with fitted as (
    select * from {{ ref('experiments') }}
    where in_fit
),

final as (
    select
        study,
        dataset,
        model,
        method,
        count(*) as n,
        count(distinct pretrain_steps) as n_steps,
        count(distinct data_points) as n_data_points,
        -- Seventeen digits tell any two doubles apart.
        md5(string_agg(
            pretrain_steps || ',' || data_points || ',' || printf('%.17g', loss), ';'
            order by pretrain_steps, data_points
        )) as fingerprint
    from fitted
    group by study, dataset, model, method
)

select * from final
