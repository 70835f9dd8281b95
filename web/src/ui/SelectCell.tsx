/** The box that chooses a row, or all of them. */
import classes from './DataTable.module.css'

interface Props {
  label: string
  checked: boolean
  onToggle: (range: boolean) => void
}

export function SelectCell({ label, checked, onToggle }: Props) {
  return (
    <label className={classes.choose}>
      <input
        aria-label={label}
        checked={checked}
        data-choose
        onChange={() => undefined}
        onClick={(event) => onToggle(event.shiftKey)}
        type="checkbox"
      />
    </label>
  )
}
