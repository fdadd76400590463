"""
Who there is and who may do what: regions, centres, departments, posts, staff, roles, applicants.

Every other package asks `access.require`. Not for: what people do; that is in the packages of the acts.
"""
