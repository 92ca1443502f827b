"""The law and how it is judged: regulations, controls, checks, fleet rules, and the assessment they give."""
