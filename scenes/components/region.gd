class_name Region
extends MarginContainer
## A page that a screen reader finds again after it was hidden.
##
## AccessKit 0.19 leaves plain containers out of its tree. When one is shown again, what it holds
## stays lost, because AccessKit adds the content only of what is in the tree itself. A panel is.


func _notification(what: int) -> void:
	if what == NOTIFICATION_ACCESSIBILITY_UPDATE:
		DisplayServer.accessibility_update_set_role(
			get_accessibility_element(), DisplayServer.ROLE_PANEL
		)
