{# By what fine-tuning data must be multiplied to match pre-training from p1 to p2 steps under the transfer law:
   ((A·p1^-α + G) / (A·p2^-α + G))^(1/β), which solves L(p1, m·f) = L(p2, f) for m at any f. Null where β is 0. #}
{% macro data_multiplier(p1, p2, law) -%}
    pow(
        ({{ law }}.a * pow({{ p1 }}, -{{ law }}.alpha) + {{ law }}.g)
        / ({{ law }}.a * pow({{ p2 }}, -{{ law }}.alpha) + {{ law }}.g),
        1 / nullif({{ law }}.beta, 0)
    )
{%- endmacro %}
