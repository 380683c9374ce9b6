with scratch as (
    select * from {{ ref('experiments') }}
    where pretrain_steps = 0 and data_points > 0
),

fingerprints as (
    select
        study,
        dataset,
        model,
        method,
        md5(string_agg(data_points || ',' || printf('%.17g', loss), ';' order by data_points)) as fingerprint
    from scratch
    group by study, dataset, model, method
),

compared as (
    select
        *,
        coalesce(loss < min(loss) over (
            partition by study, dataset, model, method
            order by data_points rows between unbounded preceding and 1 preceding
        ), true) as falls
    from scratch
),

final as (
    select
        compared.study,
        compared.dataset,
        compared.model,
        compared.method,
        compared.data_points,
        compared.n_params_non_embedding,
        compared.loss,
        compared.falls,
        case when compared.falls then lead(compared.data_points) over falling end as next_data_points,
        case when compared.falls then lead(compared.loss) over falling end as next_loss,
        fingerprints.fingerprint
    from compared
    inner join fingerprints using (study, dataset, model, method)
    window falling as (
        partition by
            compared.study, compared.dataset, compared.model, compared.method, compared.falls
        order by compared.data_points
    )
)

select * from final
