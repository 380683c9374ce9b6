with experiments as (
    select * from {{ ref('experiments') }}
    where pretrain_steps > 0 and data_points > 0
),

curves as (
    select * from {{ ref('scratch_curves') }}
),

ranges as (
    select
        study,
        dataset,
        model,
        method,
        min(data_points) as first_points,
        max(data_points) as last_points,
        arg_min(loss, data_points) as first_loss,
        any_value(fingerprint) as fingerprint
    from curves
    group by study, dataset, model, method
),

-- A loss on a row of the curve is that row's, and otherwise lies on the segment that begins above it.
read as (
    select
        experiments.*,
        ranges.* exclude (study, dataset, model, method),
        case
            when experiments.loss = curves.loss then curves.data_points
            else curves.data_points * pow(
                curves.next_data_points / curves.data_points,
                ln(curves.loss / experiments.loss) / ln(curves.loss / curves.next_loss)
            )
        end as effective_points
    from experiments
    inner join ranges using (study, dataset, model, method)
    left join curves
        on experiments.study = curves.study
        and experiments.dataset = curves.dataset
        and experiments.model = curves.model
        and experiments.method = curves.method
        and curves.falls
        and experiments.loss <= curves.loss
        and (experiments.loss > curves.next_loss or experiments.loss = curves.loss)
),

final as (
    select
        read.study,
        read.dataset,
        read.model,
        read.method,
        read.pretrain_steps,
        read.data_points,
        read.context,
        read.n_params_non_embedding,
        read.in_fit,
        read.loss,
        curves.loss as loss_from_scratch,
        read.effective_points,
        case when read.effective_points is null and read.loss < read.first_loss then read.last_points end
            as at_least_points,
        case when read.effective_points is null and read.loss > read.first_loss then read.first_points end
            as at_most_points,
        read.fingerprint as curve_fingerprint
    from read
    left join curves using (study, dataset, model, method, data_points)
)

select * from final
