with studies as (
    select * from {{ source('raw', 'studies') }}
),

latest as (
    select *
    from studies
    qualify row_number() over (partition by study order by declared_at desc, declaration_digest) = 1
),

final as (
    select
        study,
        declaration_digest,
        context,
        fit_min_steps,
        simulated,
        declaration,
        declared_at
    from latest
)

select * from final
